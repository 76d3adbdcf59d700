/** Rounds of a search that does not converge; each halves the range at worst. */
const MAX_ROUNDS = 48;
/** Close enough: a prompt is not made longer for less than this share of its length. */
const SLACK = 0.001;
/** The same where a guess is at hand, whose prompts vary by about as much: most of them are counted once. */
const GUESS_SLACK = 0.005;

/**
 * The most units of haystack whose prompt has at most `limit` tokens, by interpolation. Undefined when even `minUnits`
 * have more.
 *
 * @param options.count tokens of the prompt with that many units; grows with them
 * @param options.maxUnits most units there are
 * @param options.guess units that fitted a prompt of the same kind: saves counting
 */
export function fitUnits(options: {
  limit: number;
  minUnits: number;
  maxUnits?: number;
  guess?: number | undefined;
  count: (units: number) => number;
}): { units: number; tokens: number } | undefined {
  const { limit, minUnits, maxUnits = Infinity, count } = options;
  let fits = { units: minUnits, tokens: count(minUnits) };
  if (fits.tokens > limit) return undefined;
  let exceeds: Sized | undefined;
  // The minimal prompt is mostly instructions, so that its tokens per unit mislead: the first step doubles.
  let guess = options.guess === undefined ? minUnits * 2 : options.guess * (1 - GUESS_SLACK / 2);
  const slack = limit * (options.guess === undefined ? SLACK : GUESS_SLACK);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const highest = exceeds ? exceeds.units - 1 : maxUnits;
    const units = Math.min(Math.max(Math.round(guess), fits.units + 1), highest);
    if (units <= fits.units || limit - fits.tokens <= slack) break;
    const previous = fits;
    const tokens = count(units);
    if (tokens <= limit) fits = { units, tokens };
    else exceeds = { units, tokens };
    const perUnit = (tokens - previous.tokens) / (units - previous.units);
    guess = nextGuess({ fits, exceeds, limit, perUnit, halve: round % 6 === 5 });
  }
  return fits;
}

interface Sized {
  units: number;
  tokens: number;
}

function nextGuess(options: {
  fits: Sized;
  exceeds: Sized | undefined;
  limit: number;
  perUnit: number;
  halve: boolean;
}): number {
  const { fits, exceeds, limit, perUnit, halve } = options;
  if (exceeds && halve) return (fits.units + exceeds.units) / 2;
  if (!(perUnit > 0)) return fits.units * 2;
  const step = (limit - fits.tokens) / perUnit;
  // Without an upper end, an early estimate must not shoot far beyond it.
  return fits.units + (exceeds ? Math.floor(step) : Math.min(step, fits.units * 7));
}
