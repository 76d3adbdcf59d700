import type { PplEvaluation } from '../../../eval/ppl/evaluate-documents.js';
import type { PplResults, PplRow } from '../../../eval/ppl/results.js';
import { formatBytes, formatCount, formatDuration, formatPercent, formatQuantity } from '../../../utils/format.js';
import { formatTokenCount } from '../../../utils/parse-size.js';
import { type Column, renderFacts, renderTable } from '../../render/table.js';
import { stdoutStyle } from '../../terminal.js';

const COLUMNS: Column[] = [
  { title: 'length', align: 'right' },
  { title: 'method' },
  { title: 'perplexity', align: 'right' },
  { title: 'by token', align: 'right' },
  { title: 'vs dense', align: 'right' },
  { title: '95 % interval', align: 'right' },
  { title: 'documents', align: 'right' },
  { title: 'computed', align: 'right' },
  { title: 'prefill', align: 'right' },
  { title: 'speed-up', align: 'right' },
];
/** Behind a difference that chance may have made. */
const NOISE = '≈';
/** Documents that a line names. */
const MAX_NAMED = 3;

const signed = (value: number) => `${value > 0 ? '+' : value < 0 ? '−' : '±'}${Math.abs(value).toFixed(3)}`;
const isNoise = ({ difference_low: low, difference_high: high }: PplRow) => low !== null && low <= 0 && high! >= 0;

function cells(row: PplRow, isFirst: boolean): string[] {
  const { difference, difference_low: low, difference_high: high } = row;
  return [
    isFirst ? formatTokenCount(row.length) : '',
    row.method,
    row.perplexity.toFixed(3),
    row.perplexity_by_token.toFixed(3),
    difference === null ? '' : `${signed(difference)} ${isNoise(row) ? NOISE : ' '}`,
    low === null ? '' : `${signed(low)} – ${signed(high!)}`,
    String(row.documents),
    row.computed === null ? '' : formatPercent(row.computed),
    formatDuration(row.prefill_ms),
    row.speedup === null ? '' : `${row.speedup.toFixed(2)}×`,
  ];
}

/** Perplexities by length and method, then what was compared and where everything was written. */
export function renderPpl({ results, out, files, measurements, timings, peakMemoryBytes }: PplEvaluation): string {
  const { rows, options } = results;
  const lines = rows.map((row, index) => cells(row, row.length !== rows[index - 1]?.length));
  const facts: [string, string][] = [
    ['documents', documentsOf(results)],
    ...skippedOf(results),
    ...options.methods.map(({ name, description }): [string, string] => [name, description]),
    ...notes(results),
    ['took', `${formatDuration(timings.totalMs)}, ${formatBytes(peakMemoryBytes)} at most`],
  ];
  if (measurements.resumed > 0) {
    facts.push(['continued', `${formatQuantity(measurements.resumed, 'measurement')} of an earlier run`]);
  }
  if (out) facts.push(['results', files.join(', ')]);
  return [renderTable(COLUMNS, lines, stdoutStyle), '', renderFacts(facts, stdoutStyle, process.stdout.columns)].join(
    '\n',
  );
}

const named = (names: readonly string[]) => {
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : '';
  return `${names.slice(0, MAX_NAMED).join(', ')}${more}`;
};

const documentsOf = ({ data: { name, documents } }: PplResults) =>
  `${documents.length} of ${name}: ${named(documents.map((document) => document.name))}`;

function skippedOf({ data: { skipped } }: PplResults): [string, string][] {
  const reasons = [...new Set(skipped.map(({ reason }) => reason))];
  return reasons.map((reason) => {
    const own = skipped.filter((entry) => entry.reason === reason);
    const names = own.map(({ name, tokens }) => `${name} (${formatCount(tokens)})`);
    return ['left out', `${own.length}, ${reason}: ${named(names)}`];
  });
}

/** What a reader of the table must know. */
function notes({ rows, options: { window, stride, lengths } }: PplResults): [string, string][] {
  const list: [string, string][] = [];
  if (lengths.some((length) => length > window)) {
    list.push(['sliding', `windows of ${formatCount(window)} tokens, moved on by ${formatCount(stride)}`]);
  }
  if (rows.some(isNoise)) list.push([NOISE, 'may be chance: the 95 % interval of the paired difference holds 0']);
  return list;
}
