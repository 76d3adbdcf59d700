import type { ChalkInstance } from 'chalk';
import Table from 'cli-table3';
import { wrapText } from './wrap-text.js';

export interface Column {
  title: string;
  /** 'left' by default; numbers go right. */
  align?: 'left' | 'right';
}

const NO_LINES = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
  ].map((name) => [name, '']),
);

/** A table without lines: bold titles, columns two spaces apart. Cells may be coloured. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: ChalkInstance,
): string {
  const table = new Table({
    head: columns.map(({ title }) => style.bold(title)),
    colAligns: columns.map(({ align = 'left' }) => align),
    chars: { ...NO_LINES, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return trimLines(table.toString());
}

/**
 * Facts as 'title  value' with the values in one column.
 *
 * @param columns width of the terminal; values are wrapped to it. Undefined: they are not.
 */
export function renderFacts(
  facts: readonly (readonly [title: string, value: string])[],
  style: ChalkInstance,
  columns?: number,
): string {
  const width = Math.max(...facts.map(([title]) => title.length));
  return facts
    .flatMap(([title, value]) =>
      wrapText(value, columns, width + 2).map(
        (line, index) => `${style.dim((index === 0 ? title : '').padEnd(width))}  ${line}`,
      ),
    )
    .join('\n');
}

const trimLines = (text: string) => text.replace(/[ \t]+$/gm, '');
