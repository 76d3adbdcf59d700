import { describe, type SuiteFactory } from 'vitest';
import { gpuFacts } from '../../../src/runtime/gpu.js';
import { cudaInfo } from '../../../src/runtime/native.js';

/** Why nothing can run on a GPU here; null where it can. */
function findProblem(): string | null {
  const { usable, checks } = gpuFacts();
  if (!usable) return checks.find(({ ok }) => !ok)!.found;
  return cudaInfo().problem;
}

export const cudaProblem = findProblem();

/** `describe` where there is a GPU; elsewhere it says why it is left out. */
export function describeCuda(name: string, suite: SuiteFactory): void {
  if (cudaProblem === null) {
    describe(name, suite);
    return;
  }
  console.log(`skipped: no device (${name}: ${cudaProblem})`);
  describe.skip(name, suite);
}
