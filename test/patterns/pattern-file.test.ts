import { describe, expect, it } from 'vitest';
import { MinferenceError } from '../../src/errors.js';
import { parsePatternFile } from '../../src/patterns/parse-pattern-file.js';
import type { PatternFile } from '../../src/patterns/pattern-file.js';
import { formatPatterns } from '../../src/patterns/save-patterns.js';
import { patternMatrix } from '../../src/patterns/to-matrix.js';
import { sampleFile } from './sample-file.js';

// biome-ignore lint/suspicious/noExplicitAny: the table breaks files on purpose
type Loose = any;

/** The message for a file changed by `change`; fails when the file is accepted. */
function rejection(change: (file: Loose) => unknown): string {
  const file: Loose = sampleFile();
  const value = change(file) ?? file;
  try {
    parsePatternFile(value, 'p.json');
  } catch (error) {
    expect(error).toBeInstanceOf(MinferenceError);
    expect((error as MinferenceError).code).toBe('PATTERNS_INVALID');
    expect((error as MinferenceError).hint).toBeTruthy();
    return (error as Error).message;
  }
  throw new Error('the file was accepted');
}

describe('pattern file schema', () => {
  it('accepts a complete file and gives its patterns', () => {
    const file = parsePatternFile(JSON.parse(JSON.stringify(sampleFile())), 'p.json');
    expect(file).toEqual(sampleFile());
    const matrix = patternMatrix(file);
    expect(matrix[0]).toEqual([
      { type: 'vertical_slash', vertical: 1000, slash: 6096 },
      { type: 'a_shape', sink: 64, window: 512 },
      { type: 'block_sparse', blocks: 10 },
      { type: 'dense' },
    ]);
    expect(matrix[1]).toHaveLength(4);
  });

  it('accepts a file without provenance, and shapes per layer', () => {
    const { search: _, ...file } = sampleFile();
    file.model.num_heads = [4, 4];
    file.model.head_dim = [16, 32];
    file.layers[1]!.heads.pop();
    file.model.num_heads = [4, 3];
    expect(parsePatternFile(file, 'p.json').layers[1]!.heads).toHaveLength(3);
  });

  it.each<[string, (file: Loose) => unknown, RegExp]>([
    ['text', () => 'text', /^p\.json: expected a pattern file, found "text"$/],
    [
      'no version',
      (f) => {
        delete f.schema;
      },
      /expected schema "minference\.patterns\/1", found nothing/,
    ],
    [
      'another version',
      (f) => {
        f.schema = 'minference.patterns/2';
      },
      /found "minference\.patterns\/2"/,
    ],
    [
      'unknown type',
      (f) => {
        f.layers[0].heads[1].type = 'top_k';
      },
      /layers\.0\.heads\.1\.type: expected "dense" or .*found "top_k"/,
    ],
    [
      'missing type',
      (f) => {
        delete f.layers[0].heads[1].type;
      },
      /layers\.0\.heads\.1\.type: .*found nothing/,
    ],
    [
      'negative size',
      (f) => {
        f.layers[0].heads[0].slash = -5;
      },
      /layers\.0\.heads\.0\.slash: expected at least 0, found -5/,
    ],
    [
      'NaN size',
      (f) => {
        f.layers[0].heads[0].slash = Number.NaN;
      },
      /layers\.0\.heads\.0\.slash: expected .*number.*found NaN/,
    ],
    [
      'infinite size',
      (f) => {
        f.layers[0].heads[0].slash = Number.POSITIVE_INFINITY;
      },
      /heads\.0\.slash: .*found Infinity/,
    ],
    [
      'fraction of a token',
      (f) => {
        f.layers[0].heads[0].vertical = 1.5;
      },
      /vertical: expected a whole number, found 1\.5/,
    ],
    [
      'absurd size',
      (f) => {
        f.layers[0].heads[1].window = 1e12;
      },
      /window: expected at most 1073741824, found 1000000000000/,
    ],
    [
      'size as text',
      (f) => {
        f.layers[0].heads[1].window = '512';
      },
      /window: expected a value of type number|window: expected a whole number, found "512"/,
    ],
    [
      'missing size',
      (f) => {
        delete f.layers[0].heads[0].slash;
      },
      /heads\.0\.slash: expected .*found nothing/,
    ],
    [
      'size of another type',
      (f) => {
        f.layers[0].heads[0].window = 4;
      },
      /layers\.0\.heads\.0: expected no field "window"/,
    ],
    [
      'misspelt field',
      (f) => {
        f.layers[0].heads[0].verticals = 4;
      },
      /expected no field "verticals"/,
    ],
    [
      'recall above 1',
      (f) => {
        f.layers[0].heads[0].recall = 1.2;
      },
      /recall: expected at most 1, found 1\.2/,
    ],
    [
      'negative error',
      (f) => {
        f.layers[0].heads[0].error = -0.1;
      },
      /error: expected at least 0/,
    ],
    [
      'missing head',
      (f) => {
        f.layers[1].heads.pop();
      },
      /layers\.1\.heads: expected 4 heads \(model\.num_heads\), found 3/,
    ],
    [
      'missing layer',
      (f) => {
        f.layers.pop();
      },
      /layers: expected 2 \(model\.num_layers\), found 1/,
    ],
    [
      'no layers',
      (f) => {
        f.layers = [];
      },
      /layers: expected at least 1 entries, found 0/,
    ],
    [
      'too many layers',
      (f) => {
        f.layers = Array(5000).fill(f.layers[0]);
      },
      /layers: expected at most 1024 entries, found 5000/,
    ],
    [
      'zero heads',
      (f) => {
        f.model.num_heads = 0;
      },
      /model\.num_heads: expected at least 1, found 0/,
    ],
    [
      'shapes for fewer layers',
      (f) => {
        f.model.head_dim = [16];
      },
      /model\.head_dim: expected one number, or 2 .*found 1/,
    ],
    [
      'head_dim as text',
      (f) => {
        f.model.head_dim = 'big';
      },
      /model\.head_dim: expected .*found "big"/,
    ],
    [
      'no model',
      (f) => {
        delete f.model;
      },
      /model: expected .*object, found nothing/,
    ],
    [
      'unknown objective',
      (f) => {
        f.search.objective = 'speed';
      },
      /search\.objective: expected "answer" or "output" or "both" or "mass", found "speed"/,
    ],
    [
      'bad date',
      (f) => {
        f.search.date = 'yesterday';
      },
      /search\.date: .*found "yesterday"/,
    ],
    [
      'bad hash',
      (f) => {
        f.search.calibration[0].samples[0].sha256 = 'xyz';
      },
      /sha256: .*found "xyz"/,
    ],
    [
      'layers as object',
      (f) => {
        f.layers = { 0: f.layers[0] };
      },
      /layers: expected a value of type array/,
    ],
  ])('rejects: %s', (_name, change, message) => {
    expect(rejection(change)).toMatch(message);
  });

  it('says how many other problems there are', () => {
    expect(
      rejection((f) => {
        f.layers[0].heads[0] = { type: 'a_shape', sink: -1, window: -1 };
      }),
    ).toMatch(/\(and 1 more\)$/);
  });
});

describe('formatPatterns', () => {
  it('writes one line per head, the same text for the same patterns, and reads back', () => {
    const text = formatPatterns(sampleFile());
    expect(text.split('\n').filter((line) => line.includes('"type":"'))).toHaveLength(8);
    expect(formatPatterns(sampleFile())).toBe(text);
    const back: PatternFile = parsePatternFile(JSON.parse(text), 'p.json');
    expect(back).toEqual(sampleFile());
  });
});
