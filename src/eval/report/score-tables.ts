import { formatDuration, formatPercent } from '../../utils/format.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import { formatPoints, isNoise, NOISE } from '../format-difference.js';
import type { ResultAggregate, ResultRow } from '../harness/results.js';
import type { ReportMethod, ReportSection } from './sections.js';
import { type Cell, type Column, cell, NOTHING, type Note, type ReportTable } from './table.js';

type Scores = ResultRow | ResultAggregate;

const right = (title: string): Column => ({ title, align: 'right' });

export const interval = (low: number, high: number): string => `${low.toFixed(1)} – ${high.toFixed(1)}`;

/** Methods by length, with the mean over all of them: as the tables that papers print. */
export function overviewTable(section: ReportSection): ReportTable {
  const { methods, lengths } = section;
  const hasEffective = section.runs.some(({ results }) => results.effective_lengths.length > 0);
  const longest = lengths.at(-1)!;
  const at = formatTokenCount(longest);
  return {
    caption: 'Score by length',
    columns: [
      { title: 'method' },
      ...lengths.map((length) => right(formatTokenCount(length))),
      right('mean'),
      right('vs dense'),
      ...(hasEffective ? [right('effective length')] : []),
      right('computed'),
      right(`prefill at ${at}`),
      right(`speed-up at ${at}`),
    ],
    rows: methods.map((method) => {
      const all = meanOf(method, null);
      const last = meanOf(method, longest);
      return [
        cell(method.label),
        ...lengths.map((length) => scoreCell(meanOf(method, length), method.run.index.failed(method.name, length))),
        all ? cell(all.score.toFixed(1), [intervalNote(all)]) : NOTHING,
        differenceCell(all),
        ...(hasEffective ? [cell(effectiveLength(method))] : []),
        all && all.computed !== null ? cell(formatPercent(all.computed)) : NOTHING,
        last && last.prefill_ms !== null ? cell(formatDuration(last.prefill_ms)) : NOTHING,
        last && last.speedup !== null ? cell(`${last.speedup.toFixed(2)}×`) : NOTHING,
      ];
    }),
  };
}

/** Methods by task, one table per length. */
export function taskTables(section: ReportSection): ReportTable[] {
  return section.lengths.map((length) => ({
    caption: `Score by task at ${formatTokenCount(length)} tokens`,
    columns: [{ title: 'method' }, ...section.tasks.map(right), right('mean')],
    rows: section.methods.map((method) => {
      const mean = meanOf(method, length);
      return [
        cell(method.label),
        ...section.tasks.map((task) =>
          scoreCell(
            method.run.index.row(method.name, length, task),
            method.run.index.failed(method.name, length, task),
          ),
        ),
        mean ? cell(mean.score.toFixed(1), differenceNotes(mean)) : NOTHING,
      ];
    }),
  }));
}

/** Answers that were cut off or are missing, and questions with two answers, where long ones are right by chance. */
export function careTable({ methods }: ReportSection): ReportTable | undefined {
  const rows = methods.flatMap((method) => {
    const all = meanOf(method, null);
    const failed = method.run.index.failed(method.name);
    if (!all && failed === 0) return [];
    return [{ method, n: all?.n ?? 0, truncated: all?.truncated ?? 0, failed, yesNo: all?.yes_no ?? null }];
  });
  const hasYesNo = rows.some(({ yesNo }) => yesNo !== null);
  if (!hasYesNo && rows.every(({ truncated, failed }) => truncated === 0 && failed === 0)) return undefined;
  return {
    caption: 'Answers to read with care',
    columns: [
      { title: 'method' },
      right('answers'),
      right('cut off'),
      right('missing'),
      ...(hasYesNo ? [right('yes or no questions')] : []),
    ],
    rows: rows.map(({ method, n, truncated, failed, yesNo }) => [
      cell(method.label),
      cell(String(n)),
      cell(String(truncated)),
      cell(String(failed)),
      ...(hasYesNo ? [yesNo ? cell(yesNo.score.toFixed(1), [{ text: `n = ${yesNo.n}` }]) : NOTHING] : []),
    ]),
  };
}

const meanOf = ({ run, name }: ReportMethod, length: number | null) => run.index.mean(name, length);

function scoreCell(row: Scores | undefined, failed: number): Cell {
  const missing: Note[] = failed > 0 ? [{ text: `${failed} failed` }] : [];
  if (!row) return failed > 0 ? cell('failed', missing) : NOTHING;
  return cell(row.score.toFixed(1), [intervalNote(row), ...differenceNotes(row), ...missing]);
}

const intervalNote = ({ low, high }: Scores): Note => ({ text: interval(low, high) });

function differenceNotes(row: Scores): Note[] {
  if (row.difference === null) return [];
  if (isNoise(row)) return [{ text: `${formatPoints(row.difference)} ${NOISE}` }];
  return [{ text: formatPoints(row.difference), tone: row.difference < 0 ? 'worse' : 'better' }];
}

function differenceCell(row: Scores | undefined): Cell {
  const [difference] = row ? differenceNotes(row) : [];
  if (!row || !difference) return cell('');
  const { difference_low: low, difference_high: high, better, worse } = row;
  const notes = [
    { text: `${formatPoints(low!)} to ${formatPoints(high!)}` },
    { text: `${better} better, ${worse} worse` },
  ];
  return { ...difference, notes };
}

function effectiveLength({ run, name }: ReportMethod): string {
  const found = run.results.effective_lengths.find(({ method }) => method === name);
  if (!found) return '';
  return found.length === null ? 'none' : formatTokenCount(found.length);
}
