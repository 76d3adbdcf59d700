import { kvRetrieval } from './kv-retrieval.js';
import type { PromptGenerator } from './prompt.js';

/** Fewer pairs leave nothing to choose from. */
const MIN_PAIRS = 2;

/** InfiniteBench's key-value retrieval as an evaluation task: the pair asked for stands at the depth requested. */
export const kvTask: PromptGenerator = (_sources, { depth, random }) => ({
  minUnits: MIN_PAIRS,
  build(pairs) {
    const { user, value } = kvRetrieval({ pairs, depth: depth ?? random('depth').float(), random: random('pairs') });
    return { user, answerPrefix: '', references: [value] };
  },
});
