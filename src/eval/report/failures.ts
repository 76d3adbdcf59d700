import { group } from 'd3-array';
import { formatTokenCount } from '../../utils/parse-size.js';
import { shorten, withoutFolders } from './printable.js';
import type { ReportSection } from './sections.js';
import { cell, type ReportTable } from './table.js';

const MAX_ROWS = 40;
const MAX_REASON = 300;

/** Why methods gave no answers: a line per method, length and reason. Undefined where nothing failed. */
export function failureTable({ methods }: ReportSection): ReportTable | undefined {
  const rows = methods.flatMap(({ label, name, run }) => {
    const own = run.results.failures.filter(({ method }) => method === name);
    // Prompts that were not tried, because the method failed before, have the same reason.
    const groups = group(own, ({ length, code, message }) => JSON.stringify([length, code, message]));
    return [...groups.values()].map((failures) => {
      const { length, code, message } = failures[0]!;
      const skipped = failures.filter((failure) => failure.skipped).length;
      const note = skipped > 0 ? [{ text: `${skipped} of them not tried` }] : [];
      return [
        cell(label),
        cell(formatTokenCount(length)),
        cell(String(failures.length), note),
        cell(shorten(`${code}: ${withoutFolders(message)}`, MAX_REASON)),
      ];
    });
  });
  if (rows.length === 0) return undefined;
  const more = rows.length - MAX_ROWS;
  return {
    caption: `Prompts without an answer${more > 0 ? ` (${more} more reasons are not shown)` : ''}`,
    columns: [
      { title: 'method' },
      { title: 'length', align: 'right' },
      { title: 'prompts', align: 'right' },
      { title: 'reason' },
    ],
    rows: rows.slice(0, MAX_ROWS),
  };
}
