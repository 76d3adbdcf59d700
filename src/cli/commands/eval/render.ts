import type { Evaluation } from '../../../eval/evaluate-suite.js';
import { formatPoints, isNoise, NOISE } from '../../../eval/format-difference.js';
import { formatKv } from '../../../eval/harness/kv-choice.js';
import type { EvalResults, ResultAggregate } from '../../../eval/harness/results.js';
import { formatBytes, formatDuration, formatPercent, formatQuantity } from '../../../utils/format.js';
import { formatTokenCount } from '../../../utils/parse-size.js';
import { type Column, renderFacts, renderTable } from '../../render/table.js';
import { stdoutStyle } from '../../terminal.js';
import { renderHeatMaps } from './render-heat-maps.js';

const COLUMNS: Column[] = [
  { title: 'length', align: 'right' },
  { title: 'method' },
  { title: 'score', align: 'right' },
  { title: '95 % interval', align: 'right' },
  { title: 'vs dense', align: 'right' },
  { title: 'prompts', align: 'right' },
  { title: 'computed', align: 'right' },
  { title: 'prefill', align: 'right' },
  { title: 'speed-up', align: 'right' },
];

const difference = (row: ResultAggregate) =>
  row.difference === null ? '' : `${formatPoints(row.difference)} ${isNoise(row) ? NOISE : ' '}`;

function cells(row: ResultAggregate, isFirst: boolean): string[] {
  const length = row.length === null ? 'all' : formatTokenCount(row.length);
  return [
    isFirst ? length : '',
    row.method,
    row.score.toFixed(1),
    `${row.low.toFixed(1)} – ${row.high.toFixed(1)}`,
    difference(row),
    String(row.n),
    row.computed === null ? '' : formatPercent(row.computed),
    row.prefill_ms === null ? '' : formatDuration(row.prefill_ms),
    row.speedup === null ? '' : `${row.speedup.toFixed(2)}×`,
  ];
}

/** Means over tasks by length and method. */
function aggregateTable({ aggregates }: EvalResults): string {
  let previous: number | null | undefined;
  const rows = aggregates.map((row) => {
    const line = cells(row, row.length !== previous);
    previous = row.length;
    return row.length === null ? line.map((cell) => stdoutStyle.bold(cell)) : line;
  });
  return renderTable(COLUMNS, rows, stdoutStyle);
}

/** Scores by length and task, a column per method. */
function taskTable({ rows, options }: EvalResults): string {
  const names = options.methods.map(({ name }) => name);
  const columns: Column[] = [
    { title: 'length', align: 'right' },
    { title: 'task' },
    ...names.map((title): Column => ({ title, align: 'right' })),
  ];
  const lines = options.lengths.flatMap((length) =>
    options.tasks.map(({ name: task }, index) => [
      index === 0 ? formatTokenCount(length) : '',
      task,
      ...names.map((method) => {
        const row = rows.find((row) => row.length === length && row.task === task && row.method === method);
        return row ? row.score.toFixed(1) : '–';
      }),
    ]),
  );
  return renderTable(columns, lines, stdoutStyle);
}

/** Scores per length, task and method, then what was compared and where everything was written. */
export function renderEvaluation({ results, out, files, answers, timings, peakMemoryBytes }: Evaluation): string {
  const took = `${formatDuration(timings.totalMs)}, ${formatBytes(peakMemoryBytes)} at most`;
  return renderResults(results, [
    ['took', took],
    ...(answers.resumed > 0
      ? [fact('continued', `${formatQuantity(answers.resumed, 'answer')} of an earlier run`)]
      : []),
    ...(out ? [fact('results', files.join(', '))] : []),
  ]);
}

type Fact = readonly [title: string, value: string];
const fact = (title: string, value: string): Fact => [title, value];

/** Tables of scores, what was compared, and `more`. */
export function renderResults(results: EvalResults, more: readonly Fact[]): string {
  const { tasks, depths, methods, kv } = results.options;
  const facts = [
    fact('tasks', tasks.map(({ name }) => name).join(', ')),
    ...(depths ? [fact('depths', depths.map((depth) => `${depth} %`).join(', '))] : []),
    ...(kv ? [fact('decoding', `over what ${formatKv(kv)} keeps of the prompt`)] : []),
    ...methods.map(({ name, description }) => fact(name, description)),
    ...notes(results),
    ...more,
  ];
  return [
    ...(tasks.length > 1 && results.evaluation !== 'niah' ? [taskTable(results), ''] : []),
    ...renderHeatMaps(results, stdoutStyle, process.stdout.columns),
    aggregateTable(results),
    '',
    renderFacts(facts, stdoutStyle, process.stdout.columns),
  ].join('\n');
}

/** What a reader of the scores must know. */
function notes({ aggregates, rows, effective_lengths, options, evaluation }: EvalResults): Fact[] {
  const list: Fact[] = [];
  if (evaluation === 'ruler') list.push(['rules', `RULER of ${options.era}`]);
  if (effective_lengths.length > 0) {
    const text = effective_lengths.map(
      ({ method, length }) => `${method} ${length === null ? 'none' : formatTokenCount(length)}`,
    );
    list.push(['effective', `${text.join(', ')} (longest length above 85.6)`]);
  }
  if (aggregates.some(isNoise)) list.push([NOISE, 'may be chance: the 95 % interval of the paired difference holds 0']);
  const cut = rows.reduce((sum, { truncated }) => sum + truncated, 0);
  const all = rows.reduce((sum, { n }) => sum + n, 0);
  if (cut > 0) list.push(['cut off', `${cut} of ${all} answers reached the limit of tokens`]);
  const yesNo = aggregates.filter(({ yes_no }) => yes_no !== null && yes_no.n > 0);
  const last = yesNo.filter(({ length }) => length === (yesNo.at(-1)?.length ?? null));
  if (last.length > 0) {
    const text = last.map(({ method, yes_no }) => `${method} ${yes_no!.score.toFixed(1)} (n = ${yes_no!.n})`);
    list.push(['yes or no', text.join(', ')]);
  }
  return list;
}
