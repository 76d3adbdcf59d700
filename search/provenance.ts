import { packShape, type SearchProvenance } from '../src/patterns/pattern-file.js';
import { defined } from '../src/utils/defined.js';
import { type CalibrationSample, setName } from './calibration.js';
import type { Choice } from './choose-heads.js';
import type { SearchFacts } from './search-facts.js';
import type { Stability } from './stability.js';

/** How the patterns were found, for the file: with it and the model the search can be repeated. */
export function provenance(
  facts: SearchFacts,
  samples: readonly CalibrationSample[],
  { stability, anomalies }: { stability: Stability; anomalies: Choice['anomalies'] },
): SearchProvenance {
  const { geometry, budgets } = facts;
  const agreement = stability.meanTypeAgreement;
  return {
    tool: facts.tool,
    objective: facts.objective,
    budget: {
      spec: facts.budgetText,
      flops: packShape(budgets.map(({ flops }) => flops)),
      fraction: budgets[facts.tightest]!.fraction,
    },
    length: facts.length,
    ...defined({ angles: facts.angles }),
    candidates: facts.candidates,
    calibration: facts.sets.map((set) => ({
      set: setName(set),
      seed: facts.seed,
      samples: samples
        .filter((sample) => sample.set === set)
        .map(({ tokens, sha256 }) => ({ tokens: tokens.length, sha256 })),
    })),
    device: facts.device,
    kernel: { block_m: geometry.blockM, block_n: geometry.blockN, key_align: geometry.keyAlign },
    ...defined({
      agreement: agreement === null ? undefined : Number(agreement.toPrecision(6)),
      anomalies: anomalies.length > 0 ? anomalies : undefined,
    }),
    date: new Date().toISOString(),
  };
}
