import { MinferenceError } from '../../errors.js';
import { throwIfAborted } from '../../utils/abort.js';
import { defined } from '../../utils/defined.js';
import { formatDuration, formatQuantity } from '../../utils/format.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import type { ProgressReporter, ProgressTask } from '../../utils/progress.js';
import { rotated } from '../../utils/rotated.js';
import { mean } from '../../utils/statistics.js';
import { answerPrompt } from './answer-prompt.js';
import type { AnswerStore } from './answers.js';
import { endsRun } from './ends-run.js';
import type { EvalDecoder } from './eval-decoder.js';
import { type Grid, type GridMethod, type GridPlace, isFinished } from './grid.js';
import type { KvChoice } from './kv-choice.js';
import type { PredictionRecord, PredictionsFile } from './predictions.js';
import type { PromptFacts } from './results.js';
import { workOf } from './work.js';

export interface AnswerGridOptions {
  decoder: EvalDecoder;
  grid: Grid;
  /** Finished answers; new ones are added. */
  answers: AnswerStore;
  /** Where new answers are kept against interruptions. */
  file: PredictionsFile | undefined;
  chunk: number | null;
  allowDense: boolean;
  kv: KvChoice | undefined;
  progress: ProgressReporter;
  signal: AbortSignal | undefined;
}

/** Tokens of the run that is not counted: the first run of a session sets up buffers and threads. */
const WARM_UP_TOKENS = 128;
/** Tokens of the run that tells how fast the machine is; shorter ones are not like the long ones. */
const TRIAL_TOKENS = 2048;

/**
 * Answers what is not answered yet, prompt by prompt, each with all methods. A method that fails at a length is not
 * tried again there: its answers are named as missing.
 *
 * @throws {MinferenceError} ABORTED saying how to go on, WRITE_FAILED
 */
export async function answerGrid(options: AnswerGridOptions): Promise<void> {
  const { grid, answers, progress } = options;
  const isOpen = (place: GridPlace) => (method: GridMethod) => !isFinished(answers, place, method);
  if (!grid.places.some((place) => grid.methods.some(isOpen(place)))) return;
  const count = grid.places.length * grid.methods.length;
  const pace = createPace(options, count);
  const failed = new Map<string, MinferenceError>();
  try {
    await pace.tryOut();
    const task = progress.start({ label: 'evaluating', total: count, unit: 'answers' });
    for (const [index, place] of grid.places.entries()) {
      const open = rotated(grid.methods, index).filter(isOpen(place));
      for (const method of grid.methods) if (!open.includes(method)) pace.advance(place, method);
      if (open.length > 0) {
        const prompt = grid.makePrompt(place);
        for (const method of open) {
          throwIfAborted(options.signal);
          task.update(pace.done, describe(place, method));
          const record = await answerOrFailure(options, { place, method, prompt, failed });
          await options.file?.append(record);
          answers.add(record);
          pace.advance(place, method);
        }
      }
      if (isLastOfSweep(grid.places, index)) reportSweep(options, place, task);
    }
    task.finish();
  } catch (error) {
    throw explained(error, options);
  }
}

/** Progress in answers, each of which counts by its work, and the time that everything will take. */
function createPace({ decoder, grid, answers, progress, signal }: AnswerGridOptions, count: number) {
  const work = (place: GridPlace, method: GridMethod) => workOf(decoder, place, method);
  let [total, open] = [0, 0];
  for (const place of grid.places)
    for (const method of grid.methods) {
      total += work(place, method);
      if (!isFinished(answers, place, method)) open += work(place, method);
    }
  let finished = 0;
  return {
    get done() {
      return (count * finished) / total;
    },
    advance(place: GridPlace, method: GridMethod) {
      finished += work(place, method);
    },
    /** Warms the session up, then tells from one timed run what the open answers will take. */
    async tryOut() {
      const place = grid.places.find((place) => grid.methods.some((method) => !isFinished(answers, place, method)))!;
      const { tokens } = grid.makePrompt(place);
      const run = async (length: number) => {
        const options = { patterns: 'dense', maxNewTokens: 0, ...defined({ signal }) } as const;
        const started = performance.now();
        const { cache } = await decoder.prefill(tokens.slice(0, length), options);
        cache.dispose();
        return performance.now() - started;
      };
      await run(WARM_UP_TOKENS);
      const length = Math.min(TRIAL_TOKENS, tokens.length);
      const ms = await run(length);
      const dense = { name: 'dense' } as GridMethod;
      const estimate = (ms / work({ ...place, length }, dense)) * open;
      progress.note(
        `${formatQuantity(count, 'answer')}, ${formatQuantity(grid.places.length, 'prompt')}: about ${formatDuration(estimate)}, by one run of ${length} tokens`,
      );
    },
  };
}

interface Question {
  place: GridPlace;
  method: GridMethod;
  prompt: ReturnType<Grid['makePrompt']>;
  /** First failures by method and length. */
  failed: Map<string, MinferenceError>;
}

async function answerOrFailure(
  { decoder, grid, chunk, allowDense, kv, signal, progress }: AnswerGridOptions,
  { place, method, prompt, failed }: Question,
): Promise<PredictionRecord> {
  const { tokens, sha256, references } = prompt;
  const facts: PromptFacts = { ...place, prompt_tokens: tokens.length, prompt_sha256: sha256, references };
  const identity = { method: method.name, patterns_sha256: method.patternsSha256(place.length) };
  const group = JSON.stringify([method.name, place.length]);
  const earlier = failed.get(group);
  const failure = ({ code, message }: MinferenceError, skipped: boolean) => ({ ...identity, code, message, skipped });
  if (earlier) return { prompt: facts, failure: failure(earlier, true) };
  try {
    const answer = await answerPrompt(decoder, prompt, {
      task: grid.task(place.task),
      patterns: method.patterns(place.length),
      identity,
      chunk,
      allowDense,
      kv,
      signal,
    });
    return { prompt: facts, answer };
  } catch (error) {
    if (!(error instanceof MinferenceError) || endsRun(error, signal)) throw error;
    failed.set(group, error);
    progress.warn(`${describe(place, method)} failed and is left out at this length: ${error.message}`);
    return { prompt: facts, failure: failure(error, false) };
  }
}

const describe = ({ task, length, depth }: GridPlace, { name }: GridMethod) =>
  `${formatTokenCount(length)} ${task}${depth === null ? '' : `, depth ${depth} %`}, ${name}`;

const isLastOfSweep = (places: readonly GridPlace[], index: number): boolean =>
  places[index + 1]?.sample !== places[index]!.sample;

/** A line per sample: the mean scores so far. */
function reportSweep({ grid, answers }: AnswerGridOptions, { sample }: GridPlace, progress: ProgressTask): void {
  const places = grid.places.filter((place) => place.sample <= sample);
  const prompts = answers.collect(places, grid.methods);
  const scores = grid.methods.map(({ name }) => {
    const own = prompts.flatMap((prompt) => prompt.answers.filter(({ method }) => method === name));
    return `${name} ${own.length === 0 ? '–' : (100 * mean(own.map(({ score }) => score))).toFixed(1)}`;
  });
  progress.row(`after ${formatQuantity(sample + 1, 'sample')}: ${scores.join(', ')} (n = ${places.length})`);
}

/** An interruption says what is kept. */
function explained(error: unknown, { signal, grid, answers, file }: AnswerGridOptions): unknown {
  if (!signal?.aborted || !file) return error;
  const total = grid.places.length * grid.methods.length;
  const finished = grid.countFinished(answers);
  const hint =
    finished === 0
      ? 'nothing was kept: run the command again'
      : `${finished} of ${total} answers are kept in ${file.path}: run the same command again to go on`;
  return new MinferenceError('ABORTED', 'interrupted', { hint, cause: error });
}
