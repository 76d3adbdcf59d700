import { MinferenceError } from '../../errors.js';

/** One of `count` parts of an evaluation, numbered from 1. */
export interface Shard {
  index: number;
  count: number;
}

const MAX_SHARDS = 10_000;

/**
 * Reads `2/8`.
 *
 * @throws {MinferenceError} USAGE
 */
export function parseShard(text: string): Shard {
  const [, index, count] = (/^\s*(\d+)\s*\/\s*(\d+)\s*$/.exec(text) ?? []).map(Number);
  if (index && count && index <= count && count <= MAX_SHARDS) return { index, count };
  throw new MinferenceError('USAGE', `expected a shard from 1/n to n/n, found "${text}"`, {
    hint: `such as 2/8, the second of eight parts; at most ${MAX_SHARDS} parts`,
  });
}

/** Of a shard's own file: 'predictions.2-of-8.jsonl'. */
export const predictionsName = (shard?: Shard): string =>
  shard ? `predictions.${shard.index}-of-${shard.count}.jsonl` : 'predictions.jsonl';
