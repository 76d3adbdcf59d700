import type { ResultRow } from '../../../eval/harness/results.js';
import type { NiahResults } from '../../../eval/niah/niah-results.js';
import { formatBytes, formatDuration, formatQuantity } from '../../../utils/format.js';
import { formatTokenCount } from '../../../utils/parse-size.js';
import { type Column, renderFacts, renderTable } from '../../render/table.js';
import { stdoutStyle } from '../../terminal.js';

const COLUMNS: Column[] = [
  { title: 'length', align: 'right' },
  { title: 'method' },
  { title: 'score', align: 'right' },
  { title: '95 % interval', align: 'right' },
  { title: 'vs dense', align: 'right' },
  { title: 'prompts', align: 'right' },
  { title: 'prefill', align: 'right' },
  { title: 'speed-up', align: 'right' },
];

const signed = (points: number) => `${points > 0 ? '+' : points < 0 ? '−' : '±'}${Math.abs(points).toFixed(1)}`;

function cells(row: ResultRow, isFirst: boolean): string[] {
  const length = row.length === null ? 'all' : formatTokenCount(row.length);
  return [
    isFirst ? length : '',
    row.method,
    row.score.toFixed(1),
    `${row.low.toFixed(1)} – ${row.high.toFixed(1)}`,
    row.difference === null ? '' : signed(row.difference),
    String(row.n),
    row.prefill_ms === null ? '' : formatDuration(row.prefill_ms),
    row.speedup === null ? '' : `${row.speedup.toFixed(2)}×`,
  ];
}

/** Lengths from short to long, then all of them together where there are several. */
function ordered(rows: readonly ResultRow[]): ResultRow[] {
  const lengths = new Set(rows.map(({ length }) => length));
  const shown = lengths.size > 2 ? [...rows] : rows.filter(({ length }) => length !== null);
  return shown.sort((a, b) => (a.length ?? Number.POSITIVE_INFINITY) - (b.length ?? Number.POSITIVE_INFINITY));
}

/** Scores per length and method, then what was compared and where everything was written. */
export function renderNiah(result: NiahResults): string {
  const { results, table, out, plots, timings } = result;
  let previous: number | null | undefined;
  const rows = ordered(table).map((row) => {
    const line = cells(row, row.length !== previous);
    previous = row.length;
    return row.length === null ? line.map((cell) => stdoutStyle.bold(cell)) : line;
  });
  const { tasks, depths, methods } = results.options;
  const facts: [string, string][] = [
    ['tasks', tasks.map(({ name }) => name).join(', ')],
    ['depths', depths.map((depth) => `${depth} %`).join(', ')],
    ...methods.map(({ name, description }): [string, string] => [name, description]),
    ['took', `${formatDuration(timings.totalMs)}, ${formatBytes(result.peakMemoryBytes)} at most`],
  ];
  if (result.answers.resumed > 0) {
    facts.push(['continued', `${formatQuantity(result.answers.resumed, 'answer')} of an earlier run`]);
  }
  if (out) facts.push(['results', out]);
  if (plots) facts.push(['heat maps', plots.heatMaps], ['curves', plots.curves]);
  return [renderTable(COLUMNS, rows, stdoutStyle), '', renderFacts(facts, stdoutStyle, process.stdout.columns)].join(
    '\n',
  );
}
