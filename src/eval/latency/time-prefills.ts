import { MinferenceError } from '../../errors.js';
import type { LayerPatterns } from '../../prefill/pattern-feeds.js';
import { throwIfAborted } from '../../utils/abort.js';
import { defined } from '../../utils/defined.js';
import type { Journal } from '../../utils/journal.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import type { ProgressReporter } from '../../utils/progress.js';
import { rotated } from '../../utils/rotated.js';
import type { EvalDecoder } from '../harness/eval-decoder.js';
import type { LatencyRun } from './results.js';

/** A method with its patterns at every length, and what they are called by in the journal. */
export interface TimedMethod {
  name: string;
  patterns(length: number): LayerPatterns;
  patternsSha256(length: number): string;
}

export interface TimePrefillsOptions {
  decoder: EvalDecoder;
  lengths: readonly number[];
  rounds: number;
  methods: readonly TimedMethod[];
  /** The first tokens of the text, as many as asked for. */
  tokens(length: number): readonly number[];
  /** Timed already; new ones are added. */
  runs: LatencyRun[];
  journal: Journal<LatencyRun> | undefined;
  chunk: number | null;
  allowDense: boolean;
  progress: ProgressReporter;
  signal: AbortSignal | undefined;
}

/**
 * Times what is missing. In a round every method prefills the same tokens once, each round another one first, so that a
 * machine that gets slower or faster hits all alike. Before the first timed round of a length, every method that is to
 * be timed there runs once uncounted: memory grows, and kernels of new shapes are chosen.
 *
 * @throws {MinferenceError} as Decoder.prefill; ABORTED saying how to go on
 */
export async function timePrefills(options: TimePrefillsOptions): Promise<void> {
  const { lengths, rounds, methods, runs, journal, progress, signal } = options;
  const isTimed = (length: number, round: number, method: TimedMethod) =>
    runs.some(
      (run) =>
        run.length === length &&
        run.round === round &&
        run.method === method.name &&
        run.patterns_sha256 === method.patternsSha256(length),
    );
  const total = lengths.reduce((sum, length) => sum + length * methods.length * (rounds + 1), 0);
  const task = progress.start({ label: 'timing', total, unit: 'tokens' });
  let done = 0;
  const step = (length: number) => {
    done += length;
    task.update(done, `${formatTokenCount(length)} tokens`);
  };
  try {
    for (const length of lengths) {
      const open = methods.filter((method) => !allRounds(rounds).every((round) => isTimed(length, round, method)));
      for (const method of methods) {
        throwIfAborted(signal);
        if (open.includes(method)) await prefill(options, method, length);
        step(length);
      }
      for (const round of allRounds(rounds)) {
        for (const method of rotated(methods, round)) {
          throwIfAborted(signal);
          if (!isTimed(length, round, method)) {
            const run = { length, method: method.name, patterns_sha256: method.patternsSha256(length), round };
            const entry = { ...run, ...(await prefill(options, method, length)) };
            await journal?.append(entry);
            runs.push(entry);
          }
          step(length);
        }
      }
    }
    task.finish();
  } catch (error) {
    throw explained(error, options);
  }
}

const allRounds = (count: number) => Array.from({ length: count }, (_, round) => round);

async function prefill(
  { decoder, tokens, chunk, allowDense, signal }: TimePrefillsOptions,
  method: TimedMethod,
  length: number,
) {
  const result = await decoder.prefill(tokens(length), {
    patterns: method.patterns(length),
    allowDense,
    maxNewTokens: 1,
    ...defined({ chunk: chunk ?? undefined, signal }),
  });
  using _cache = result.cache;
  const { totalMs, indexMs, attentionMs, computed } = result.timings;
  return {
    prefill_ms: microseconds(totalMs),
    index_ms: indexMs === null ? null : microseconds(indexMs),
    attention_ms: attentionMs === null ? null : microseconds(attentionMs),
    computed: computed === null ? null : Number(computed.toPrecision(6)),
    peak_memory_bytes: result.peakMemoryBytes,
  };
}

const microseconds = (ms: number) => Math.round(ms * 1000) / 1000;

function explained(error: unknown, { signal, journal, runs }: TimePrefillsOptions): unknown {
  if (!signal?.aborted || !journal) return error;
  const hint =
    runs.length === 0
      ? 'nothing was kept: run the command again'
      : `${runs.length} runs are kept in ${journal.path}: run the same command again to go on`;
  return new MinferenceError('ABORTED', 'interrupted', { hint, cause: error });
}
