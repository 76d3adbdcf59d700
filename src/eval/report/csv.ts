import { nameWithoutFolders } from './printable.js';
import type { ReportSection } from './sections.js';

const COLUMNS = [
  'evaluation',
  'model',
  'folder',
  'length',
  'task',
  'method',
  'n',
  'score',
  'low',
  'high',
  'difference',
  'difference_low',
  'difference_high',
  'computed',
  'prefill_ms',
  'speedup',
  'truncated',
  'failed',
] as const;

/** The first line: what tells the file from others. */
export const CSV_HEADER = COLUMNS.join(',');

/** Everything that was measured as CSV (RFC 4180): a line per length, task and method; empty where there is no value. */
export function reportCsv(sections: readonly ReportSection[]): string {
  const lines = sections.flatMap(({ runs }) =>
    runs.flatMap(({ name: folder, results: { evaluation, model, rows } }) =>
      rows.map((row) => {
        const method = nameWithoutFolders(row.method);
        const values = { ...row, evaluation, model: nameWithoutFolders(model.id), folder, method };
        return COLUMNS.map((column) => field(values[column])).join(',');
      }),
    ),
  );
  return [CSV_HEADER, ...lines, ''].join('\r\n');
}

function field(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  // Spreadsheets would take such a text for a formula.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
