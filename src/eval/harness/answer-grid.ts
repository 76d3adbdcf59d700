import { MinferenceError } from '../../errors.js';
import { throwIfAborted } from '../../utils/abort.js';
import { defined } from '../../utils/defined.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import type { ProgressReporter, ProgressTask } from '../../utils/progress.js';
import { mean } from '../../utils/statistics.js';
import { answerPrompt } from './answer-prompt.js';
import type { AnswerStore } from './answers.js';
import type { EvalDecoder } from './eval-decoder.js';
import { type Grid, type GridMethod, type GridPlace, isFinished } from './grid.js';
import type { Journal } from './journal.js';

export interface AnswerGridOptions {
  decoder: EvalDecoder;
  grid: Grid;
  /** Finished answers; new ones are added. */
  answers: AnswerStore;
  /** Where new answers are kept against interruptions. */
  journal: Journal | undefined;
  chunk: number | null;
  progress: ProgressReporter;
  signal: AbortSignal | undefined;
}

/** Tokens of the run that is not counted: the first run of a session sets up buffers and threads. */
const WARM_UP_TOKENS = 128;

/**
 * Answers what is not answered yet, prompt by prompt, each with all methods.
 *
 * @throws {MinferenceError} ABORTED saying how to go on, WRITE_FAILED, and as Decoder.prefill
 */
export async function answerGrid(options: AnswerGridOptions): Promise<void> {
  const { grid, answers, progress, signal } = options;
  const total = grid.places.reduce((sum, { length }) => sum + length * grid.methods.length, 0);
  if (grid.places.every((place) => grid.methods.every((method) => isFinished(answers, place, method)))) return;
  const task = progress.start({ label: 'evaluating', total, unit: 'tokens' });
  try {
    let done = 0;
    let warm = false;
    for (const [index, place] of grid.places.entries()) {
      const open = rotated(grid.methods, index).filter((method) => !isFinished(answers, place, method));
      done += place.length * (grid.methods.length - open.length);
      if (open.length > 0) {
        const prompt = grid.makePrompt(place);
        if (!warm) await warmUp(options, prompt.tokens);
        warm = true;
        for (const method of open) {
          throwIfAborted(signal);
          task.update(done, describe(place, method));
          await answerOne(options, place, method, prompt);
          done += place.length;
        }
      }
      if (isLastOfGroup(grid.places, index)) reportGroup(options, place, task);
    }
    task.finish();
  } catch (error) {
    throw explained(error, options);
  }
}

/** Every method goes first in turn, so that what a first run pays (memory growing) falls on all of them alike. */
const rotated = <Item>(items: readonly Item[], by: number): Item[] => {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
};

async function warmUp({ decoder, signal }: AnswerGridOptions, tokens: readonly number[]): Promise<void> {
  const options = { patterns: 'dense', maxNewTokens: 0, ...defined({ signal }) } as const;
  const { cache } = await decoder.prefill(tokens.slice(0, WARM_UP_TOKENS), options);
  cache.dispose();
}

async function answerOne(
  { decoder, grid, answers, journal, chunk, signal }: AnswerGridOptions,
  place: GridPlace,
  method: GridMethod,
  prompt: ReturnType<Grid['makePrompt']>,
): Promise<void> {
  const answer = await answerPrompt(decoder, prompt, {
    task: grid.task(place.task),
    method: method.name,
    patterns: method.patterns(place.length),
    patternsSha256: method.patternsSha256(place.length),
    chunk,
    signal,
  });
  const { tokens, sha256, references } = prompt;
  const facts = { ...place, prompt_tokens: tokens.length, prompt_sha256: sha256, references };
  await journal?.append({ prompt: facts, answer });
  answers.add({ prompt: facts, answer });
}

const describe = ({ task, length, depth }: GridPlace, { name }: GridMethod) =>
  `${formatTokenCount(length)} ${task}, depth ${depth} %, ${name}`;

const isLastOfGroup = (places: readonly GridPlace[], index: number): boolean => {
  const [place, next] = [places[index]!, places[index + 1]];
  return next?.task !== place.task || next.length !== place.length;
};

/** One line per length and task: the mean scores so far. */
function reportGroup({ grid, answers }: AnswerGridOptions, { task, length }: GridPlace, progress: ProgressTask): void {
  const places = grid.places.filter((place) => place.task === task && place.length === length);
  const prompts = answers.collect(places, grid.methods);
  const scores = grid.methods.map(({ name }) => {
    const own = prompts.flatMap((prompt) => prompt.answers.filter(({ method }) => method === name));
    return `${name} ${(100 * mean(own.map(({ score }) => score))).toFixed(1)}`;
  });
  progress.row(`${formatTokenCount(length).padStart(4)} ${task}: ${scores.join(', ')} (n = ${places.length})`);
}

/** An interruption says what is kept. */
function explained(error: unknown, { signal, grid, answers, journal }: AnswerGridOptions): unknown {
  if (!signal?.aborted || !journal) return error;
  const total = grid.places.length * grid.methods.length;
  const finished = grid.countFinished(answers);
  const hint =
    finished === 0
      ? 'nothing was kept: run the command again'
      : `${finished} of ${total} answers are kept in ${journal.path}: run the same command again to go on`;
  return new MinferenceError('ABORTED', 'interrupted', { hint, cause: error });
}
