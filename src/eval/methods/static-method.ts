import type { ExplicitIndex } from '../../patterns/explicit-index.js';
import type { HeadChoice } from '../../patterns/head-choice.js';
import type { HeadPattern } from '../../patterns/head-pattern.js';
import { defined } from '../../utils/defined.js';
import { repeated } from '../../utils/repeated.js';
import type { Method, MethodTrial } from './method.js';

/** The method of a pattern file with the indices of a prompt that is not evaluated. */
export function staticMethod(method: Method, matrix: readonly (readonly HeadPattern[])[]): Method {
  const frozen = new Map<number, HeadChoice[][]>();
  return {
    ...method,
    description: `${method.description}, indices of another prompt`,
    patterns: (length) => frozen.get(length)!,
    identity: (length) => ({ static: matrix, length }),
    async prepare(trial) {
      for (const length of trial.lengths) frozen.set(length, await freezePatterns(matrix, length, trial));
    },
  };
}

/** Heads whose keys depend on the prompt. */
const isDynamic = ({ type }: HeadPattern) => type === 'vertical_slash' || type === 'block_sparse';

/**
 * Patterns whose vertical-slash and block-sparse heads take the indices of another prompt (arXiv 2407.02490: "Ours w/
 * static").
 *
 * @returns [layer][head], for prompts of at most `length` tokens
 */
async function freezePatterns(
  matrix: readonly (readonly HeadPattern[])[],
  length: number,
  { decoder, prompts, signal }: MethodTrial,
): Promise<HeadChoice[][]> {
  // An index has to have all row blocks of the longest prompt.
  const indices = await indicesOf(matrix, repeated(prompts(length)[0]!, length), decoder, signal);
  return matrix.map((heads, layer) =>
    heads.map((head, h): HeadChoice => (isDynamic(head) ? { type: 'explicit', index: indices[layer]![h]! } : head)),
  );
}

async function indicesOf(
  patterns: readonly (readonly HeadPattern[])[],
  tokens: readonly number[],
  decoder: MethodTrial['decoder'],
  signal: AbortSignal | undefined,
): Promise<ExplicitIndex[][]> {
  const { cache, indices } = await decoder.prefill(tokens, {
    patterns,
    allowDense: false,
    giveIndices: true,
    maxNewTokens: 0,
    ...defined({ signal }),
  });
  cache.dispose();
  return indices!;
}
