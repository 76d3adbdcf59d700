import { prefill } from '../../../api/prefill.js';
import { patternMatrix } from '../../../patterns/to-matrix.js';
import { buildPrompt } from '../../../prefill/chat.js';
import { type ComparedRun, type Comparison, compareWithDense } from '../../../prefill/compare.js';
import { Decoder } from '../../../prefill/decoder.js';
import type { PrefillTimings } from '../../../prefill/timings.js';
import { defined } from '../../../utils/defined.js';
import { formatCount, formatDuration, formatRate } from '../../../utils/format.js';
import { type ChosenPatterns, checkPatternsOption, choosePatterns, requireSparse } from '../../choose-patterns.js';
import type { CommandContext, CommandRun, OutputValues } from '../../command-spec.js';
import type { OptionValues } from '../../options/option.js';
import { crossingNote } from './crossing-note.js';
import type { prefillOptions } from './options.js';
import { readPrompt } from './read-prompt.js';
import { type RunFacts, renderComparison, renderTimings } from './render.js';
import { toJson } from './to-json.js';

type Options = OptionValues<typeof prefillOptions> & OutputValues;

function tokenize(decoder: Decoder, prompt: string, options: Options): { tokens: number[]; ms: number } {
  const started = performance.now();
  const tokens = buildPrompt(decoder.tokenizer, prompt, {
    contextLength: decoder.directory.config.contextLength,
    ...defined({ chat: options.chatTemplate ? undefined : false, system: options.system }),
  });
  return { tokens, ms: performance.now() - started };
}

/** Runs the prompt once, streaming the answer unless a program reads it. */
async function runOnce(
  decoder: Decoder,
  tokens: readonly number[],
  chosen: ChosenPatterns,
  options: Options,
  { progress, signal, write }: CommandContext,
): Promise<ComparedRun> {
  let shown = '';
  const onText = (text: string) => {
    shown += text;
    write(text);
  };
  const task = progress.start({ label: 'prefill', total: tokens.length, unit: 'tokens' });
  const run = await prefill(decoder, {
    prompt: tokens,
    patterns: chosen.file ?? 'dense',
    ignoreFingerprint: options.force,
    maxNewTokens: options.maxNewTokens,
    allowDense: options.denseFallback,
    signal,
    ...defined({ chunk: options.chunk, onText: options.json ? undefined : onText }),
    onProgress: (done) => task.update(Math.round(done)),
    onPrefilled: ({ timings }) => task.finish(describePrefill(tokens.length, timings)),
  });
  if (!options.json) write(`${run.generation.text.slice(shown.length)}\n`);
  return run;
}

const describePrefill = (tokens: number, { totalMs, tokensPerSecond }: PrefillTimings) =>
  `prefill: ${formatCount(tokens)} tokens in ${formatDuration(totalMs)}, ${formatRate(tokensPerSecond)}`;

async function runBoth(
  decoder: Decoder,
  tokens: readonly number[],
  chosen: ChosenPatterns,
  options: Options,
  { progress, signal }: CommandContext,
): Promise<Comparison> {
  const patterns = patternMatrix(requireSparse(chosen, '--compare dense'));
  const task = progress.start({ label: 'comparing', total: 2 * tokens.length, unit: 'tokens' });
  const comparison = await compareWithDense(decoder, tokens, {
    patterns,
    maxNewTokens: options.maxNewTokens,
    allowDense: options.denseFallback,
    signal,
    ...defined({ chunk: options.chunk }),
    onProgress: (run, done) => task.update(Math.round(run === 'sparse' ? done : tokens.length + done), run),
  });
  task.finish();
  return comparison;
}

/** An answer that a failed step cut off is shown all the same. */
function reportFailures(runs: readonly ComparedRun[], progress: CommandContext['progress']): 0 | 1 {
  const failures = runs.flatMap(({ generation: { failure } }) => failure ?? []);
  for (const { message } of failures) progress.warn(`the answer ends early: ${message}`);
  return failures.length > 0 ? 1 : 0;
}

export const runPrefillCommand: CommandRun<typeof prefillOptions> = async (options, context) => {
  const { progress, signal } = context;
  await checkPatternsOption(options.patterns);
  const prompt = await readPrompt(defined({ prompt: options.prompt, promptFile: options.promptFile }), {
    stdin: process.stdin,
    signal,
  });
  const { model, variant, device, deviceId, threads } = options;
  using decoder = await Decoder.open({ ...defined({ model, variant, device, deviceId, threads }), progress, signal });
  signal.throwIfAborted();
  const { tokens, ms: tokenizeMs } = tokenize(decoder, prompt, options);
  const chosen = await choosePatterns(options.patterns, decoder, { force: options.force });
  if (chosen.note) progress.note(chosen.note);
  const crossing = crossingNote(decoder, tokens.length, options.maxNewTokens);
  if (crossing) progress.note(crossing);
  const facts: RunFacts = {
    model: decoder.directory,
    device: decoder.device,
    patterns: chosen,
    promptTokens: tokens.length,
    loadMs: decoder.loadMs,
    tokenizeMs,
  };
  if (options.compare) {
    const comparison = await runBoth(decoder, tokens, chosen, options, context);
    const exitCode = reportFailures([comparison.sparse, comparison.dense], progress);
    return { json: toJson(facts, comparison.sparse, comparison), text: renderComparison(facts, comparison), exitCode };
  }
  const run = await runOnce(decoder, tokens, chosen, options, context);
  if (!options.json) progress.note(renderTimings(facts, run));
  return { json: toJson(facts, run), text: '', exitCode: reportFailures([run], progress) };
};
