import type { ChalkInstance } from 'chalk';
import { wrapText } from './wrap-text.js';

/** One fact. With `ok` it is a check: ✔ or ✖; `fix` says what to do about a ✖. */
export interface Fact {
  title: string;
  value: string;
  ok?: boolean;
  fix?: string;
}

export interface Section {
  title: string;
  facts: Fact[];
  /** Text below the facts, such as a table. */
  body?: string;
}

function renderMark(ok: boolean | undefined, style: ChalkInstance): string {
  if (ok === undefined) return ' ';
  return ok ? style.green('✔') : style.red('✖');
}

function renderFact({ title, value, ok, fix }: Fact, width: number, options: RenderOptions): string[] {
  const { style, columns } = options;
  const indent = width + 6;
  const [first = '', ...rest] = wrapText(value, columns, indent);
  const lines = [
    `  ${renderMark(ok, style)} ${title.padEnd(width)}  ${first}`,
    ...rest.map((line) => ' '.repeat(indent) + line),
  ];
  if (fix === undefined || ok) return lines;
  const [todo = '', ...more] = wrapText(fix, columns, indent + 2);
  return [
    ...lines,
    `${' '.repeat(indent)}${style.cyan('→')} ${todo}`,
    ...more.map((line) => ' '.repeat(indent + 2) + line),
  ];
}

export interface RenderOptions {
  style: ChalkInstance;
  /** Width of the terminal, to which values are wrapped; undefined: they are not. */
  columns?: number;
}

/** Sections of facts with all values in one column. */
export function renderSections(sections: readonly Section[], options: RenderOptions): string {
  const width = Math.max(...sections.flatMap(({ facts }) => facts.map(({ title }) => title.length)));
  return sections
    .map(({ title, facts, body }) =>
      [
        options.style.bold(title),
        ...facts.flatMap((fact) => renderFact(fact, width, options)),
        ...(body === undefined ? [] : ['', body.replace(/^(?=.)/gm, '    ')]),
      ].join('\n'),
    )
    .join('\n\n');
}
