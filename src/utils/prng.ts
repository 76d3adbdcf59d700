import { createHash } from 'node:crypto';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/** A seeded stream of random choices: the same seed and labels give the same stream on every machine. */
export interface Random {
  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number;
  /** A number from 0 (included) to 1 (excluded). */
  float(): number;
  /** One element of a list that is not empty. */
  pick<Item>(items: readonly Item[]): Item;
  /** The same elements in random order, in a new list. */
  shuffle<Item>(items: readonly Item[]): Item[];
  /** A random UUID of version 4 in lower case. */
  uuid(): string;
}

/**
 * Starts a stream. Labels make independent streams of one seed: (seed, 'kv', 3) does not change when the code before it
 * draws more numbers.
 */
export function createRandom(seed: number, ...labels: readonly (string | number)[]): Random {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...labels]))
    .digest();
  // 128 bits of state; all zero has no way out, and has no chance to occur in a SHA-256.
  const state = [0, 4, 8, 12].map((offset) => digest.readInt32LE(offset));
  const generator = xoroshiro128plusFromState(state);
  const int = (min: number, max: number) => uniformInt(generator, min, max);
  return {
    int,
    float: () => uniformFloat64(generator),
    pick: (items) => items[int(0, items.length - 1)]!,
    shuffle: (items) => shuffled(items, int),
    uuid: () => uuidFromDigits(Array.from({ length: 31 }, () => int(0, 15))),
  };
}

/** Fisher–Yates. */
function shuffled<Item>(items: readonly Item[], int: (min: number, max: number) => number): Item[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = int(0, last);
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}

/** 31 hexadecimal digits → xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx, y from 8 to b (RFC 9562). */
function uuidFromDigits(digits: readonly number[]): string {
  const hex = digits.map((digit, at) => (at === 15 ? 8 + (digit & 3) : digit).toString(16)).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(12, 15)}`, hex.slice(15, 19), hex.slice(19)].join('-');
}
