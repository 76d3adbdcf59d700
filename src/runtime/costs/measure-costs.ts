import { defined } from '../../utils/defined.js';
import type { KernelGeometry } from '../native.js';
import type { Device } from '../types.js';
import type { CostModel } from './cost-model.js';
import { dense, fitCosts, type ProbeTimes, probes } from './fit-costs.js';
import { OpBench } from './op-bench.js';

export interface MeasureOptions {
  device: Device;
  deviceId: number;
  threads: number;
  geometry: (headDim: number) => KernelGeometry;
  /** Costs where nothing is measured. */
  defaults: CostModel;
  signal?: AbortSignal | undefined;
}

/** What is timed: a head size that the kernels are tuned for, from what length on, and up to which. */
const SETTINGS = {
  cpu: { headDim: 64, least: 1024, most: 8192 },
  cuda: { headDim: 128, least: 4096, most: 32768 },
} as const;
/** Dense attention at the longest length takes about this long at most, and everything ten times as long. */
const DENSE_MS = 50;
const ROUNDS = 5;
const SHORTEST_CROSSOVER = 512;

/**
 * Times the op on a device, within a second or two: the length is chosen by the speed of dense attention. Null when the
 * device was too busy for times that tell anything.
 *
 * @throws {MinferenceError} RUNTIME_FAILED, also where memory is short; ABORTED
 */
export async function measureCosts({ geometry, defaults, ...place }: MeasureOptions): Promise<CostModel | null> {
  const { headDim, least, most } = SETTINGS[place.device];
  const { signal, ...session } = place;
  // Enough heads for every thread to build an index.
  const heads = place.device === 'cuda' ? 8 : Math.min(64, Math.max(8, Math.ceil(place.threads / 4) * 4));
  using bench = await OpBench.open({ ...session, ...defined({ signal }), heads, kvHeads: heads / 4, headDim });
  const { dense: trialMs } = await bench.times(least, { dense }, 1);
  let longest: number = least;
  while (longest < most && trialMs * ((2 * longest) / least) ** 2 <= DENSE_MS) longest *= 2;
  return fitCosts({
    headDim,
    geometry: geometry(headDim),
    defaults,
    long: await timeProbes(bench, longest),
    short: await timeProbes(bench, longest / 4),
    crossover: await findCrossover(bench, longest),
  });
}

async function timeProbes(bench: OpBench, length: number): Promise<ProbeTimes> {
  const { typical: _, ...patterns } = probes(length);
  return { length, ms: await bench.times(length, patterns, ROUNDS) };
}

/** The shortest length from which on a typical sparse head is faster than a dense one; twice the longest if none is. */
async function findCrossover(bench: OpBench, longest: number): Promise<number> {
  let crossover = 2 * longest;
  for (let length = longest; length >= SHORTEST_CROSSOVER; length /= 2) {
    const ms = await bench.times(length, { dense, typical: probes(length).typical }, ROUNDS);
    if (ms.typical >= ms.dense) break;
    crossover = length;
  }
  return crossover;
}
