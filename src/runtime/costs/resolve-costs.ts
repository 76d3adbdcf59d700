import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { MinferenceError } from '../../errors.js';
import { defined } from '../../utils/defined.js';
import { readEnv } from '../../utils/env.js';
import { type FileLock, lockOutput } from '../../utils/file-lock.js';
import { formatQuantity } from '../../utils/format.js';
import type { ProgressReporter } from '../../utils/progress.js';
import { physicalCores } from '../cpu-count.js';
import { gpuFacts } from '../gpu.js';
import { cudaInfo, defaultCosts, kernelGeometry, simdLevel } from '../native.js';
import type { Device } from '../types.js';
import { type CostKey, canKeepCosts, costFilePath, keepCosts, keptCosts, readCostFile } from './cost-file.js';
import type { CostModel } from './cost-model.js';
import { measureCosts } from './measure-costs.js';

type Signal = AbortSignal | undefined;
/** Measuring takes a second or two; a process that holds its lock for longer is stuck. */
const MOST_WAIT_MS = 20_000;
const WAIT_MS = 100;

export interface CostsPlace {
  device: Device;
  /** Number of the CUDA device. */
  deviceId: number;
  /** CPU threads; default: the physical cores. */
  threads?: number | undefined;
}

/** Whose costs are kept: they hold for one processor and number of threads, or for one GPU and driver. */
export function costKey({ device, deviceId, threads = physicalCores() }: CostsPlace): CostKey {
  if (device === 'cpu') {
    return { device, name: cpus()[0]?.model.trim() || 'unknown', instructions: simdLevel(), threads };
  }
  const { devices, driverVersion } = cudaInfo();
  return { device, name: devices[deviceId]?.name ?? 'unknown', driver: gpuFacts().driverVersion ?? `${driverVersion}` };
}

/**
 * The costs by which the op falls back to dense on a device: measured at the first use, then read from the user's cache
 * folder; the defaults where nothing can be kept there, or with MINFERENCE_COSTS=default.
 *
 * @throws {MinferenceError} READ_FAILED when MINFERENCE_COSTS names no file of costs; ABORTED
 */
export async function resolveCosts(
  place: CostsPlace,
  { progress, signal }: { progress?: ProgressReporter | undefined; signal?: AbortSignal | undefined } = {},
): Promise<CostModel> {
  const wish = readEnv('MINFERENCE_COSTS');
  const defaults = defaultCosts(place.device);
  if (wish === 'default') return defaults;
  if (wish !== undefined) return await givenCosts(wish);
  const key = costKey(place);
  const kept = await keptCosts(key);
  if (kept) return kept.costs;
  if (!(await canKeepCosts(key))) return defaults;
  try {
    await using lock = await lockUnlessHeld(costFilePath(key));
    const costs = lock ? await measure(place, defaults, signal) : await measuredElsewhere(key, signal);
    if (costs === null) {
      progress?.warn('attention could not be timed on a device that is busy, default costs are used');
      return defaults;
    }
    if (!lock) return costs;
    progress?.note(
      `timed attention on this ${place.device === 'cpu' ? 'processor' : 'GPU'}: sparse from ` +
        `${formatQuantity(costs.least_context, 'token')} on (kept in ${costFilePath(key)})`,
    );
    // Whatever hinders the writing now: the next process measures again.
    await keepCosts(key, costs).catch(() => {});
    return costs;
  } catch (error) {
    if (signal?.aborted) throw error;
    progress?.warn(`attention could not be timed, default costs are used: ${(error as Error).message}`);
    return defaults;
  }
}

/** Null when the device is too busy. */
function measure({ device, deviceId, threads = physicalCores() }: CostsPlace, defaults: CostModel, signal: Signal) {
  const geometry = (headDim: number) => kernelGeometry(headDim, device, deviceId);
  return measureCosts({ device, deviceId, threads, geometry, defaults, signal });
}

/** Two processes that time the same device at once would time each other. */
const lockUnlessHeld = (path: string): Promise<FileLock | undefined> =>
  lockOutput(path).catch((error) => {
    if (error instanceof MinferenceError && error.code === 'LOCKED') return undefined;
    throw error;
  });

/** What another process is measuring, once it is there; null when that takes too long. */
async function measuredElsewhere(key: CostKey, signal: Signal): Promise<CostModel | null> {
  for (let waited = 0; waited < MOST_WAIT_MS; waited += WAIT_MS) {
    const kept = await keptCosts(key);
    if (kept) return kept.costs;
    await sleep(WAIT_MS, undefined, defined({ signal }));
  }
  return null;
}

async function givenCosts(path: string): Promise<CostModel> {
  try {
    return (await readCostFile(path)).costs;
  } catch (error) {
    throw new MinferenceError('READ_FAILED', `expected a file of measured costs at ${path} (MINFERENCE_COSTS)`, {
      hint: `${(error as Error).message}; MINFERENCE_COSTS=default takes the defaults`,
      cause: error,
    });
  }
}
