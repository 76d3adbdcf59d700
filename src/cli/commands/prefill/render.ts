import type { ChalkInstance } from 'chalk';
import type { ModelDirectory } from '../../../model/model-directory.js';
import type { ComparedRun, Comparison } from '../../../prefill/compare.js';
import type { PrefillTimings } from '../../../prefill/timings.js';
import type { DeviceChoice } from '../../../runtime/device.js';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatQuantity,
  formatRate,
} from '../../../utils/format.js';
import type { ChosenPatterns } from '../../choose-patterns.js';
import { renderFacts, renderTable } from '../../render/table.js';
import { stderrStyle, stdoutStyle } from '../../terminal.js';

/** What is the same for every run of one prompt. */
export interface RunFacts {
  model: ModelDirectory;
  device: DeviceChoice;
  patterns: ChosenPatterns;
  promptTokens: number;
  loadMs: number;
  tokenizeMs: number;
}

/** '1.2s index, 3.4s attention, 0.8s rest' where the ops measured it. */
function describeSplit({ indexMs, attentionMs, restMs }: PrefillTimings): string {
  if (indexMs === null || attentionMs === null || restMs === null) return '';
  return `index ${formatDuration(indexMs)}, attention ${formatDuration(attentionMs)}, rest ${formatDuration(restMs)}`;
}

const ENDS: Record<ComparedRun['generation']['stopped'], string> = {
  eos: 'end of the answer',
  length: '--max-new-tokens reached',
  context: 'end of the model’s positions',
  signal: 'interrupted',
  failure: 'a step failed',
};

function describeDecoding({ generation: { tokens, decodeMs, stopped } }: ComparedRun): string {
  const end = ENDS[stopped];
  const steps = tokens.length - 1;
  const rate = steps > 0 ? `, ${formatRate((steps / decodeMs) * 1000)}` : '';
  return `${formatQuantity(tokens.length, 'token')} in ${formatDuration(decodeMs)}${rate} (${end})`;
}

const describePrefill = ({ totalMs, tokensPerSecond }: PrefillTimings) =>
  `${formatDuration(totalMs)}, ${formatRate(tokensPerSecond)}`;

/** '9.8 % of dense attention': what was really computed, as short prompts and dear indices make heads run dense. */
function describeComputed({ computed }: PrefillTimings, isSparse: boolean): string | undefined {
  if (computed === null || !isSparse) return undefined;
  if (computed >= 1) return 'all of dense attention: every head ran dense, which is as fast here';
  return `${formatPercent(computed)} of dense attention`;
}

/** Where the time went, for stderr after the answer. */
export function renderTimings(facts: RunFacts, run: ComparedRun, style: ChalkInstance = stderrStyle): string {
  const { loadMs, tokenizeMs, promptTokens, patterns, model, device } = facts;
  const firstTokenMs = loadMs + tokenizeMs + run.timings.totalMs;
  const split = describeSplit(run.timings);
  return `\n${renderFacts(
    [
      ['model', `${model.id} ${model.variant} on ${device.kind === 'cuda' ? `cuda:${device.id}` : 'cpu'}`],
      ['patterns', patterns.name],
      ...computedFact(run, patterns),
      ['prompt', `${formatQuantity(promptTokens, 'token')}`],
      ['load', formatDuration(loadMs)],
      ['tokenise', formatDuration(tokenizeMs)],
      ['prefill', describePrefill(run.timings) + (split && ` (${split})`)],
      ['first token', `after ${formatDuration(firstTokenMs)}`],
      ['answer', describeDecoding(run)],
      ['peak memory', formatBytes(run.peakMemoryBytes)],
    ],
    style,
    process.stderr.columns,
  )}`;
}

/** A fact about a run with patterns; none about a dense one. */
function computedFact({ timings }: Pick<ComparedRun, 'timings'>, patterns: ChosenPatterns): [string, string][] {
  const text = describeComputed(timings, patterns.file !== null);
  return text === undefined ? [] : [['computed', text]];
}

const orDash = (ms: number | null) => (ms === null ? '–' : formatDuration(ms));
const ratio = (dense: number | null, sparse: number | null) =>
  dense === null || !sparse ? '' : `${(dense / sparse).toFixed(2)}×`;

/** Sparse and dense side by side, the agreement of their logits, and both answers. */
export function renderComparison(facts: RunFacts, { sparse, dense, ...agreement }: Comparison): string {
  const row = (title: string, pick: (timings: PrefillTimings) => number | null) => {
    const [ours, theirs] = [pick(sparse.timings), pick(dense.timings)];
    return [title, orDash(ours), orDash(theirs), ratio(theirs, ours)];
  };
  const table = renderTable(
    [
      { title: '' },
      { title: 'sparse', align: 'right' },
      { title: 'dense', align: 'right' },
      { title: 'speed-up', align: 'right' },
    ],
    [
      row('prefill', ({ totalMs }) => totalMs).map((cell) => stdoutStyle.bold(cell)),
      row('  index', ({ indexMs }) => indexMs).with(-1, ''),
      row('  attention', ({ attentionMs }) => attentionMs),
      row('  rest', ({ restMs }) => restMs),
      ['tokens/s', formatCount(sparse.timings.tokensPerSecond), formatCount(dense.timings.tokensPerSecond), ''],
      ['peak memory', formatBytes(sparse.peakMemoryBytes), formatBytes(dense.peakMemoryBytes), ''],
    ],
    stdoutStyle,
  );
  const summary = renderFacts(
    [
      ['prompt', formatQuantity(facts.promptTokens, 'token')],
      ['patterns', facts.patterns.name],
      ...computedFact(sparse, facts.patterns),
      [
        'first token',
        `${agreement.top1Agrees ? 'the same' : 'different'}, KL(dense ‖ sparse) ${agreement.kl.toFixed(4)} nats`,
      ],
      ['answers', agreement.sameText ? 'the same' : 'different'],
    ],
    stdoutStyle,
    process.stdout.columns,
  );
  const answers = [
    `${stdoutStyle.bold('sparse:')} ${sparse.generation.text}`,
    `${stdoutStyle.bold('dense: ')} ${dense.generation.text}`,
  ];
  return [table, '', summary, '', ...answers].join('\n');
}
