import { cpus } from 'node:os';
import { MinferenceError } from '../../errors.js';
import { readEnv } from '../../utils/env.js';
import { formatQuantity } from '../../utils/format.js';
import type { ProgressReporter } from '../../utils/progress.js';
import { physicalCores } from '../cpu-count.js';
import { gpuFacts } from '../gpu.js';
import { cudaInfo, defaultCosts, kernelGeometry, simdLevel } from '../native.js';
import type { Device } from '../types.js';
import { type CostKey, canKeepCosts, costFilePath, keepCosts, keptCosts, readCostFile } from './cost-file.js';
import type { CostModel } from './cost-model.js';
import { measureCosts } from './measure-costs.js';

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
  const threads = place.threads ?? physicalCores();
  const { device, deviceId } = place;
  const geometry = (headDim: number) => kernelGeometry(headDim, device, deviceId);
  try {
    const costs = await measureCosts({ device, deviceId, threads, geometry, defaults, signal });
    progress?.note(
      `timed attention on this ${device === 'cpu' ? 'processor' : 'GPU'}: sparse from ` +
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
