import type { SearchResult } from '../../../../search/result.js';
import type { LayerSummary } from '../../../../search/summary.js';
import { PATTERN_NAMES } from '../../../patterns/head-pattern.js';
import { formatBytes, formatCount, formatDuration, formatPercent, formatQuantity } from '../../../utils/format.js';
import { type Column, renderFacts, renderTable } from '../../render/table.js';
import { stdoutStyle } from '../../terminal.js';

const COLUMNS: Column[] = [
  { title: 'layer', align: 'right' },
  { title: 'patterns' },
  { title: 'recall', align: 'right' },
  { title: 'answer error', align: 'right' },
  { title: 'error', align: 'right' },
  { title: 'cost', align: 'right' },
];

type Types = LayerSummary['types'];

/** '7 vertical-slash, 1 A-shape', most frequent first. */
function describeTypes(types: Types): string {
  return Object.entries(types)
    .sort(([, a], [, b]) => b - a)
    .map(([type, count]) => `${count} ${PATTERN_NAMES[type as keyof Types]}`)
    .join(', ');
}

function totalTypes(layers: readonly LayerSummary[]): Types {
  const total: Types = {};
  for (const { types } of layers) {
    for (const [type, count] of Object.entries(types) as [keyof Types, number][]) {
      total[type] = (total[type] ?? 0) + count;
    }
  }
  return total;
}

const numbers = (layer: Pick<LayerSummary, 'recall' | 'answerError' | 'error' | 'fraction'>) => [
  formatPercent(layer.recall),
  layer.answerError.toFixed(3),
  layer.error.toFixed(3),
  formatPercent(layer.fraction),
];

const NONE = ['', '', '', ''];

/** Patterns and numbers of one layer; what was not chosen says so. */
function describeLayer(layer: LayerSummary): string[] {
  if (layer.leftAlone !== null) return ['stays as it is', ...NONE];
  const types = describeTypes(layer.types);
  const window = layer.window === null ? '' : `, window of ${formatQuantity(layer.window, 'token')}`;
  return [`${types}${window}`, ...numbers(layer)];
}

function meanOf(layers: readonly LayerSummary[], field: 'recall' | 'answerError' | 'error' | 'fraction'): number {
  return layers.reduce((sum, layer) => sum + layer[field], 0) / layers.length;
}

/** The table of layers, then how they were found and where they were written. */
export function renderSearch(result: SearchResult): string {
  const { layers, patterns, timings } = result;
  const rows = layers.map((layer) => [String(layer.layer), ...describeLayer(layer)]);
  const chosen = layers.filter(({ leftAlone, window }) => leftAlone === null && window === null);
  const mean = {
    recall: meanOf(chosen, 'recall'),
    answerError: meanOf(chosen, 'answerError'),
    error: meanOf(chosen, 'error'),
    fraction: meanOf(chosen, 'fraction'),
  };
  const averages =
    chosen.length > 0 ? [describeTypes(totalTypes(chosen)), ...numbers(mean)] : ['none to choose', ...NONE];
  const last = ['all', ...averages].map((cell) => stdoutStyle.bold(cell));
  const facts: [string, string][] = [];
  if (patterns.search) {
    const { budget, length, objective } = patterns.search;
    const sets = patterns.search.calibration.map(
      ({ set, samples }) => `${formatQuantity(samples.length, 'prompt')} of ${set}`,
    );
    facts.push(
      ['budget', `${budget.spec}: ${formatPercent(budget.fraction)} of dense at ${formatCount(length)} tokens`],
      ['chosen by', `${objective}, ${sets.join(', ')}`],
    );
  }
  facts.push(['took', `${formatDuration(timings.totalMs)}, ${formatBytes(result.peakMemoryBytes)} at most`]);
  if (result.out) facts.push(['patterns', result.out]);
  if (result.map) facts.push(['map', result.map]);
  return [
    renderTable(COLUMNS, [...rows, last], stdoutStyle),
    '',
    renderFacts(facts, stdoutStyle, process.stdout.columns),
  ].join('\n');
}
