import type { Random } from '../utils/prng.js';

/** A key-value retrieval task: one value out of a long JSON object of UUIDs, in the format of InfiniteBench. */
export interface KvRetrieval {
  /** The user's message. */
  user: string;
  /** The key it asks for. */
  key: string;
  /** The answer. */
  value: string;
}

/**
 * Writes a key-value retrieval task of `pairs` pairs whose answer stands at `depth` (0 = first pair, 1 = last). The
 * first pairs do not depend on how many follow.
 */
export function kvRetrieval(options: { pairs: number; depth: number; random: Random }): KvRetrieval {
  const { random, depth } = options;
  const pairs = Array.from({ length: Math.max(1, options.pairs) }, () => ({
    key: random.uuid(),
    value: random.uuid(),
  }));
  const asked = pairs[Math.round(depth * (pairs.length - 1))]!;
  const data = pairs.map(({ key, value }) => `"${key}": "${value}"`).join(', ');
  return { ...asked, user: `${TASK}\n\nJSON data:\n{${data}}\nKey: "${asked.key}"\n${QUESTION}` };
}

const TASK = 'Extract the value corresponding to the specified key in the JSON object below.';
const QUESTION = 'The value associated with the specified key is: ';
