import { conditions, headline } from './facts.js';
import { failureTable } from './failures.js';
import { legend, warnings } from './notes.js';
import { printable } from './printable.js';
import { careTable, overviewTable, taskTables } from './score-tables.js';
import type { ReportSection } from './sections.js';
import type { Cell, ReportTable } from './table.js';

/** What tells the file from others; readers of the rendered text do not see it. */
const MARK = '<!-- "minference.report/1" -->';

/** The tables as GitHub's Markdown, for a README or a pull request. */
export function reportMarkdown(sections: readonly ReportSection[]): string {
  return [MARK, ...sections.flatMap(sectionMarkdown)].join('\n\n').concat('\n');
}

function sectionMarkdown(section: ReportSection): string[] {
  const more = [failureTable(section), careTable(section)].flatMap((table) => table ?? []);
  return [
    `## ${text(section.title)}`,
    text(headline(section)),
    ...warnings(section).map((warning) => `> ${text(warning)}`),
    ...tableMarkdown(overviewTable(section)),
    list(legend(section)),
    ...taskTables(section).flatMap(tableMarkdown),
    ...more.flatMap(tableMarkdown),
    ...section.runs.flatMap(({ name, results }) => [
      `<details><summary>${text(name)}: what was compared</summary>`,
      list(conditions(results).map(([title, value]) => `${title}: ${value}`)),
      '</details>',
    ]),
  ];
}

function tableMarkdown({ caption, columns, rows }: ReportTable): string[] {
  const lines = [
    columns.map(({ title }) => text(title)),
    columns.map(({ align }) => (align === 'right' ? '---:' : '---')),
    ...rows.map((row) => row.map(cellText)),
  ];
  return [`**${text(caption)}**`, lines.map((line) => `| ${line.join(' | ')} |`).join('\n')];
}

const cellText = ({ text: main, notes = [] }: Cell) =>
  [text(main), ...notes.map((note) => `<sub>${text(note.text)}</sub>`)].join('<br>');

const list = (items: readonly string[]) => items.map((item) => `- ${text(item)}`).join('\n');

/** Text in one line, with everything escaped that Markdown or HTML would take for markup, a mention or an issue. */
export const text = (value: string): string =>
  printable(value)
    .replace(/\s+/g, ' ')
    .replace(/[\\`*[\]|~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\$&')
    .replace(/[&<>@#]/g, (character) => `&#${character.codePointAt(0)};`);
