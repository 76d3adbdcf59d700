import { MinferenceError } from '../../errors.js';
import type { TextTokenizer } from '../../model/tokenizer.js';
import { buildPrompt, promptTooLong } from '../../prefill/chat.js';
import { fitUnits } from '../../prompts/fit-units.js';
import type { PromptBuilder, PromptSources, RulerEra } from '../../prompts/prompt.js';
import { sha256 } from '../../utils/hash.js';
import { createRandom } from '../../utils/prng.js';
import type { EvalTask } from '../task.js';

/** Place of a prompt in the grid. */
export interface PromptPlace {
  task: EvalTask;
  /** Tokens of prompt and answer together, at most. */
  length: number;
  /** In percent of the haystack; null: drawn. */
  depth: number | null;
  sample: number;
}

/** A prompt as the model gets it. */
export interface EvalPrompt {
  tokens: number[];
  /** SHA-256 of the tokens as little-endian int32. */
  sha256: string;
  references: string[];
}

export interface PromptMaker {
  /**
   * The prompt of a place, always the same one: the longest whose tokens and answer fit the length.
   *
   * @throws {MinferenceError} USAGE when not even the shortest one does.
   */
  make(place: PromptPlace): EvalPrompt;
  /**
   * Sees that the shortest prompt of every place and its answer fit, before hours are spent on those that do.
   *
   * @param places of one task and length
   * @throws {MinferenceError} USAGE or PROMPT_TOO_LONG, naming what the longest of them needs.
   */
  checkRoom(places: readonly PromptPlace[]): void;
}

/**
 * Makes prompts in a model's tokens and chat template.
 *
 * @param options.suite name of the evaluation: prompts of two evaluations are drawn independently
 */
export function createPromptMaker(options: {
  tokenizer: TextTokenizer;
  sources: Omit<PromptSources, 'countTokens'>;
  seed: number;
  suite: string;
  era?: RulerEra;
  /** Positions of the model, which prompts of a given size may fill. */
  contextLength?: number;
}): PromptMaker {
  const { tokenizer, seed, suite, era = '2025', contextLength = Infinity } = options;
  const countTokens = (text: string) => tokenizer.encode(text, { addSpecialTokens: false }).length;
  const sources: PromptSources = { ...options.sources, countTokens };
  const firstSizes = new Map<string, number>();

  function build(place: PromptPlace): PromptBuilder {
    const { task, length, depth, sample } = place;
    const group = [suite, task.name, length] as const;
    const own = depth === null ? [...group, sample] : [...group, depth, sample];
    return task.generator(sources, {
      depth: depth === null ? null : depth / 100,
      length,
      maxNewTokens: task.maxNewTokens,
      sample,
      era,
      random: (label) => createRandom(seed, ...own, label),
      task: (label) => createRandom(seed, ...group, label),
    });
  }

  /** Prompts of one task and length have about the size of the first one, whichever of them is made first. */
  function firstSize(place: PromptPlace): number {
    const key = `${place.task.name} ${place.length}`;
    const size = firstSizes.get(key) ?? sized(build({ ...place, sample: 0 }), tokenizer, place).units;
    firstSizes.set(key, size);
    return size;
  }

  const roomOf = ({ task, length }: PromptPlace) => (task.asGiven ? contextLength : length);

  return {
    checkRoom(places) {
      const [first] = places;
      if (!first) return;
      const needed = places.map((place) => {
        const { minUnits, build: buildText } = build(place);
        const { user, answerPrefix } = buildText(minUnits);
        return buildPrompt(tokenizer, user, { answerPrefix }).length + place.task.maxNewTokens;
      });
      const most = Math.max(...needed);
      if (most > roomOf(first)) throw noRoom(first.task, roomOf(first), most);
    },
    make(place) {
      const guess = place.depth === null && place.sample > 0 ? firstSize(place) : undefined;
      const room = { ...place, length: roomOf(place) };
      const { tokens, references } = sized(build(place), tokenizer, room, guess);
      return { tokens, references, sha256: sha256(new Uint8Array(Int32Array.from(tokens).buffer)) };
    },
  };
}

interface SizedPrompt {
  tokens: number[];
  references: string[];
  units: number;
}

/** The longest prompt that fits. `guess`: units to try first. */
function sized(
  { minUnits, maxUnits = Infinity, step = 1, build }: PromptBuilder,
  tokenizer: TextTokenizer,
  { task, length }: PromptPlace,
  guess?: number,
): SizedPrompt {
  const made = new Map<number, SizedPrompt>();
  const make = (units: number): SizedPrompt => {
    const { user, answerPrefix, references } = build(units);
    const prompt = { tokens: buildPrompt(tokenizer, user, { answerPrefix }), references, units };
    made.set(units, prompt);
    return prompt;
  };
  const limit = length - task.maxNewTokens;
  const fitted = fitUnits({ limit, minUnits, maxUnits, guess, count: (units) => make(units).tokens.length });
  if (!fitted) throw noRoom(task, length, made.get(minUnits)!.tokens.length + task.maxNewTokens);
  const whole = Math.floor(fitted.units / step) * step;
  // Below one step there is nothing to round to.
  const units = whole < minUnits ? fitted.units : whole;
  return made.get(units) ?? make(units);
}

const noRoom = (task: EvalTask, length: number, needed: number) =>
  task.asGiven ? promptTooLong(needed, length) : tooShort(task, length, needed);

const tooShort = ({ name, maxNewTokens }: EvalTask, length: number, needed: number) =>
  new MinferenceError('USAGE', `expected lengths of at least ${needed} tokens for ${name}, found ${length}`, {
    hint: `its shortest prompt has ${needed - maxNewTokens} tokens, its answer up to ${maxNewTokens}: give longer --lengths`,
  });
