import { MinferenceError } from '../src/errors.js';

/** Guesses at the number of units before giving up; each is a Newton step, so that three or four do. */
const MAX_ROUNDS = 32;
/** A surplus of no more tokens than this is cut out instead of looking for a closer number of units. */
const SLACK = 64;
/** Tokens at the end of a prompt that are never cut: question, chat template. */
const TAIL = 96;

export interface FitPromptOptions {
  /** Tokens the prompt is to have. */
  length: number;
  /** The prompt's tokens with this many units (pairs, characters); grows with their number. */
  tokenize: (units: number) => number[];
  firstGuess: number;
  /** The most units there are. */
  maxUnits: number;
  /** Where to cut the surplus, as a share of the prompt: away from what it asks for. */
  cutAt: number;
  /** What it is, for errors. */
  name: string;
}

/**
 * Builds a prompt of exactly `length` tokens: as many units as reach the length, and the surplus cut out of the token
 * sequence. Exact lengths make costs comparable between prompts.
 *
 * @throws {MinferenceError} DATASET_INVALID when all units together are too short.
 */
export function fitPrompt(options: FitPromptOptions): number[] {
  const { length } = options;
  const tokens = enoughTokens(options);
  const surplus = tokens.length - length;
  const start = Math.max(0, Math.floor((length - TAIL) * options.cutAt));
  return [...tokens.slice(0, start), ...tokens.slice(start + surplus)];
}

/** A prompt of at least `length` tokens: of few more, or of the fewest units. */
function enoughTokens({ length, tokenize, firstGuess, maxUnits, name }: FitPromptOptions): number[] {
  let tooFew = 0;
  let enough: { units: number; tokens: number[] } | undefined;
  let units = Math.round(firstGuess);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    units = Math.min(Math.max(units, tooFew + 1), enough ? enough.units - 1 : maxUnits);
    if (units <= tooFew) break;
    const tokens = tokenize(units);
    if (tokens.length >= length) {
      enough = { units, tokens };
      if (tokens.length - length <= SLACK) break;
    } else {
      if (units === maxUnits) throw tooShort(name, tokens.length, length);
      tooFew = units;
    }
    units = Math.round((units * (length + SLACK / 2)) / Math.max(1, tokens.length));
  }
  return enough!.tokens;
}

const tooShort = (name: string, found: number, length: number) =>
  new MinferenceError('DATASET_INVALID', `${name}: expected text for ${length} tokens, found ${found}`, {
    hint: `give a longer text, or a --length of at most ${found}`,
  });
