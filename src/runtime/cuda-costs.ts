import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

/** What the CUDA op measured of a device the first time it ran there (kernels/cuda/calibrate). */
export const cudaCostsSchema = z.object({
  schema: z.literal('minference.cuda-costs/1'),
  device: z.string(),
  /** Time of a tile of a sparse head, in tiles of a dense one. */
  sparse_tile: z.number().positive(),
  index_flop: z.number().nonnegative(),
  pooled_flop: z.number().nonnegative(),
  select_per_key: z.number().nonnegative(),
  select_per_score: z.number().nonnegative(),
  per_head: z.number().nonnegative(),
  /** Tokens from which on sparse attention is faster than dense. */
  least_context: z.int().nonnegative(),
});
export type CudaCosts = z.infer<typeof cudaCostsSchema>;

/** Where the op keeps the costs of a device. */
export function cudaCostsPath(device: string): string {
  const cache = process.env.XDG_CACHE_HOME || join(process.env.HOME || homedir(), '.cache');
  return join(cache, 'minference', `cuda-costs-${device.replace(/[^A-Za-z0-9]/g, '-')}.json`);
}

/** Null before the op has run on the device, and where the file is of another version or damaged: the op measures anew. */
export async function readCudaCosts(device: string): Promise<CudaCosts | null> {
  try {
    return cudaCostsSchema.parse(JSON.parse(await readFile(cudaCostsPath(device), 'utf8')));
  } catch {
    return null;
  }
}
