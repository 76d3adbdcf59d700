import type { LatencyEvaluation } from '../../../eval/latency/evaluate-latency.js';
import type { LatencyResults, LatencyRow } from '../../../eval/latency/results.js';
import { formatBytes, formatDuration, formatPercent, formatQuantity, formatRate } from '../../../utils/format.js';
import { formatTokenCount } from '../../../utils/parse-size.js';
import { type Column, renderFacts, renderTable } from '../../render/table.js';
import { stdoutStyle } from '../../terminal.js';

const COLUMNS: Column[] = [
  { title: 'length', align: 'right' },
  { title: 'method' },
  { title: 'first token', align: 'right' },
  { title: 'fastest – slowest', align: 'right' },
  { title: 'tokens/s', align: 'right' },
  { title: 'index', align: 'right' },
  { title: 'attention', align: 'right' },
  { title: 'computed', align: 'right' },
  { title: 'memory', align: 'right' },
  { title: 'speed-up', align: 'right' },
];

const orNothing = (ms: number | null) => (ms === null ? '' : formatDuration(ms));

function cells(row: LatencyRow, isFirst: boolean): string[] {
  const { prefill_ms: time, speedup } = row;
  return [
    isFirst ? formatTokenCount(row.length) : '',
    row.method,
    formatDuration(time.median),
    `${formatDuration(time.low)} – ${formatDuration(time.high)}`,
    formatRate(row.tokens_per_second).replace(' tokens/s', ''),
    orNothing(row.index_ms),
    orNothing(row.attention_ms),
    row.computed === null ? '' : formatPercent(row.computed),
    formatBytes(row.peak_memory_bytes),
    speedup === null ? '' : `${speedup.median.toFixed(2)}×`,
  ];
}

/** Times by length and method, from which length on a method is faster, and where everything was written. */
export function renderLatency({ results, out, files, runs, timings }: LatencyEvaluation): string {
  const { rows, options, cold } = results;
  const lines = rows.map((row, index) => cells(row, row.length !== rows[index - 1]?.length));
  const facts: [string, string][] = [
    ...options.methods.map(({ name, description }): [string, string] => [name, description]),
    ...results.crossovers.map(({ method, ...crossover }): [string, string] => [
      'crossover',
      `${method} ${describeCrossover(crossover)}`,
    ]),
    [
      'cold',
      `load ${formatDuration(cold.load_ms)}, first prefill ${formatDuration(cold.first_prefill_ms)} (${formatTokenCount(cold.length)} tokens)`,
    ],
    ...repeated(results),
    ['took', formatDuration(timings.totalMs)],
  ];
  if (runs.resumed > 0) facts.push(['continued', `${formatQuantity(runs.resumed, 'run')} of an earlier run`]);
  if (out) facts.push(['results', files.join(', ')]);
  return [renderTable(COLUMNS, lines, stdoutStyle), '', renderFacts(facts, stdoutStyle, process.stdout.columns)].join(
    '\n',
  );
}

function describeCrossover({ measured, estimated }: { measured: number | null; estimated: number | null }): string {
  if (measured === null) return 'is not faster than dense at these lengths';
  const between = estimated === null ? '' : `, by interpolation from about ${formatQuantity(estimated, 'token')} on`;
  return `is faster than dense from ${formatTokenCount(measured)} on${between}`;
}

const repeated = ({ rows, text }: LatencyResults): [string, string][] =>
  rows.some((row) => row.repeated)
    ? [['repeated', `${text.name} has ${formatQuantity(text.tokens, 'token')}: longer prompts repeat it`]]
    : [];
