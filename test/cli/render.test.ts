import { Chalk } from 'chalk';
import { describe, expect, it } from 'vitest';
import { renderSections } from '../../src/cli/render/sections.js';
import { renderFacts, renderTable } from '../../src/cli/render/table.js';

const plain = new Chalk({ level: 0 });
const colour = new Chalk({ level: 1 });

describe('renderTable', () => {
  const columns = [{ title: 'n', align: 'right' }, { title: 'name' }] as const;

  it('aligns columns and draws no lines', () => {
    const rows = [
      ['1', 'one'],
      ['100', 'a hundred'],
    ];
    expect(renderTable(columns, rows, plain)).toBe(['  n  name', '  1  one', '100  a hundred'].join('\n'));
  });

  it('measures coloured cells by what is seen', () => {
    const text = renderTable(columns, [[colour.red('7'), 'x']], colour);
    expect(text.split('\n')[1]).toBe(`${colour.red('7')}  x`);
  });

  it('shows the titles of an empty table', () => {
    expect(renderTable(columns, [], plain)).toContain('name');
  });
});

describe('renderFacts', () => {
  it('puts the values into one column', () => {
    const facts = [
      ['a', '1'],
      ['long', '2'],
    ] as const;
    expect(renderFacts(facts, plain)).toBe('a     1\nlong  2');
  });

  it('wraps values below themselves, never within a word', () => {
    const facts = [['key', 'alpha beta gamma /a/path/that/is/longer/than/all/of/the/line']] as const;
    expect(renderFacts(facts, plain, 26)).toBe(
      ['key  alpha beta gamma', '     /a/path/that/is/longer/than/all/of/the/line'].join('\n'),
    );
  });
});

it('renderSections marks checks and says what to do about the failed ones', () => {
  const text = renderSections(
    [
      { title: 'GPU', facts: [{ title: 'driver', value: 'none', ok: false, fix: 'install one' }] },
      {
        title: 'CPU',
        facts: [
          { title: 'model', value: 'x' },
          { title: 'ok', value: 'y', ok: true, fix: 'never shown' },
        ],
        body: 'table',
      },
    ],
    { style: plain },
  );
  expect(text.split('\n')).toEqual([
    'GPU',
    '  ✖ driver  none',
    '            → install one',
    '',
    'CPU',
    '    model   x',
    '  ✔ ok      y',
    '',
    '    table',
  ]);
});
