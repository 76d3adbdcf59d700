import { MinferenceError } from '../../errors.js';
import type { TextTokenizer } from '../../model/tokenizer.js';
import { buildPrompt } from '../../prefill/chat.js';
import { fitUnits } from '../../prompts/fit-units.js';
import type { PromptBuilder, PromptSources } from '../../prompts/prompt.js';
import { sha256 } from '../../utils/hash.js';
import { createRandom } from '../../utils/prng.js';
import type { EvalTask } from '../task.js';

/** Place of a prompt in the grid. */
export interface PromptPlace {
  task: EvalTask;
  /** Tokens of prompt and answer together, at most. */
  length: number;
  /** In percent of the haystack. */
  depth: number;
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
}

/** Makes prompts in a model's tokens and chat template. */
export function createPromptMaker(options: {
  tokenizer: TextTokenizer;
  sources: Omit<PromptSources, 'countTokens'>;
  seed: number;
}): PromptMaker {
  const { tokenizer, seed } = options;
  const countTokens = (text: string) => tokenizer.encode(text, { addSpecialTokens: false }).length;
  const sources: PromptSources = { ...options.sources, countTokens };
  return {
    make(place) {
      const { task, length, depth, sample } = place;
      const builder = task.generator(sources, {
        depth: depth / 100,
        random: (label) => createRandom(seed, 'niah', task.name, length, depth, sample, label),
      });
      return sized(builder, tokenizer, place);
    },
  };
}

function sized(builder: PromptBuilder, tokenizer: TextTokenizer, { task, length }: PromptPlace): EvalPrompt {
  const tokenise = (units: number) => {
    const { user, answerPrefix, references } = builder.build(units);
    return { tokens: buildPrompt(tokenizer, user, { answerPrefix }), references };
  };
  const limit = length - task.maxNewTokens;
  const { minUnits } = builder;
  const fitted = fitUnits({ limit, minUnits, count: (units) => tokenise(units).tokens.length });
  if (!fitted) throw tooShort(task, length, tokenise(minUnits).tokens.length + task.maxNewTokens);
  const { tokens, references } = tokenise(fitted.units);
  return { tokens, references, sha256: sha256(new Uint8Array(Int32Array.from(tokens).buffer)) };
}

const tooShort = ({ name, maxNewTokens }: EvalTask, length: number, needed: number) =>
  new MinferenceError('USAGE', `expected lengths of at least ${needed} tokens for ${name}, found ${length}`, {
    hint: `its shortest prompt has ${needed - maxNewTokens} tokens, its answer up to ${maxNewTokens}: give longer --lengths`,
  });
