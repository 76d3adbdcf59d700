import type { HeadChoice } from '../../patterns/head-choice.js';
import type { HeadPattern } from '../../patterns/head-pattern.js';
import type { Method } from './method.js';
import { freezePatterns } from './static-patterns.js';

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
