import { describe, type SuiteFactory } from 'vitest';
import { cudaProblem } from '../../../src/runtime/device.js';

/** Why nothing can run on a GPU here; null where it can. */
export const problem = cudaProblem()?.message ?? null;

/** `describe` where there is a GPU; elsewhere it says why it is left out. */
export function describeCuda(name: string, suite: SuiteFactory): void {
  if (problem === null) {
    describe(name, suite);
    return;
  }
  console.log(`skipped: no device (${name}: ${problem})`);
  describe.skip(name, suite);
}
