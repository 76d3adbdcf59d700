import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJsonStrict } from '../../src/utils/json.js';

const parse = (text: string) => parseJsonStrict(text, { name: 'x.json', code: 'PATTERNS_INVALID' });

describe('parseJsonStrict', () => {
  it('gives what JSON.parse gives (property)', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(0, 2), (text, indent) => {
        const value = JSON.parse(text);
        expect(parse(JSON.stringify(value, null, indent))).toEqual(value);
      }),
    );
  });

  it.each([
    ['{"a":1,"a":2}', /found "a" twice$/],
    ['{"a":{"b":[0,{"c":1,"d":2,"c":3}]}}', /found "c" twice in a\.b\.1$/],
    ['{"a":1,"\\u0061":2}', /found "a" twice/],
    ['{"":1,"":2}', /found "" twice/],
    ['[{"k":1},{"k":1,"x":"{","k":2}]', /found "k" twice in 1$/],
  ])('finds the key given twice in %s', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  it.each(['{"a":{"a":{"a":1}}}', '[{"a":1},{"a":1}]', '{"x":"\\"x\\":1,\\"x\\"","y":["x","x"]}', '{"a":"b","b":"a"}'])(
    'accepts %s',
    (text) => {
      expect(parse(text)).toEqual(JSON.parse(text));
    },
  );

  it('names the file and keeps the parser’s message for a syntax error', () => {
    expect(() => parse('{"a": }')).toThrow(/^x\.json: expected JSON, found a syntax error: /);
  });
});
