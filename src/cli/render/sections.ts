import type { ChalkInstance } from 'chalk';

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

function renderFact({ title, value, ok, fix }: Fact, width: number, style: ChalkInstance): string[] {
  const line = `  ${renderMark(ok, style)} ${title.padEnd(width)}  ${value}`;
  return fix === undefined || ok ? [line] : [line, `${' '.repeat(width + 6)}${style.cyan('→')} ${fix}`];
}

/** Sections of facts with all values in one column. */
export function renderSections(sections: readonly Section[], style: ChalkInstance): string {
  const width = Math.max(...sections.flatMap(({ facts }) => facts.map(({ title }) => title.length)));
  return sections
    .map(({ title, facts, body }) =>
      [
        style.bold(title),
        ...facts.flatMap((fact) => renderFact(fact, width, style)),
        ...(body === undefined ? [] : ['', body.replace(/^(?=.)/gm, '    ')]),
      ].join('\n'),
    )
    .join('\n\n');
}
