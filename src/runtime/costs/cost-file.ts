import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { assertWritable, writeFileAtomic } from '../../utils/atomic-write.js';
import { userCacheFolder } from '../../utils/env.js';
import { type CostModel, costModelSchema } from './cost-model.js';

/** Costs are those of one processor with one instruction set and number of threads, or of one GPU with one driver. */
const keySchema = z.discriminatedUnion('device', [
  z.strictObject({ device: z.literal('cpu'), name: z.string(), instructions: z.string(), threads: z.int().min(1) }),
  z.strictObject({ device: z.literal('cuda'), name: z.string(), driver: z.string() }),
]);
export type CostKey = z.infer<typeof keySchema>;

/** The file of measured costs. A change of the kernels' speed makes a new version of the schema. */
const costFileSchema = z.strictObject({
  schema: z.literal('minference.costs/1'),
  key: keySchema,
  measured: z.iso.datetime(),
  costs: costModelSchema,
});
export type CostFile = z.infer<typeof costFileSchema>;

/** Where the costs of `key` are kept: `$XDG_CACHE_HOME/minference` or `~/.cache/minference`. */
export function costFilePath(key: CostKey): string {
  const name = Object.values(key)
    .join(' ')
    .replace(/[^A-Za-z0-9.]+/g, '-');
  return join(userCacheFolder(), `costs-${name}.json`);
}

/** What the file says, whoever's costs they are. @throws what reading and checking throws */
export async function readCostFile(path: string): Promise<CostFile> {
  return costFileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
}

/** Null where nothing is kept, or what is kept is damaged, of another version, or of another device of a like name. */
export async function keptCosts(key: CostKey): Promise<CostFile | null> {
  try {
    const file = await readCostFile(costFilePath(key));
    return JSON.stringify(file.key) === JSON.stringify(key) ? file : null;
  } catch {
    return null;
  }
}

/** Whether {@link keepCosts} could write. Makes the folder. */
export async function canKeepCosts(key: CostKey): Promise<boolean> {
  try {
    const path = costFilePath(key);
    await mkdir(dirname(path), { recursive: true });
    await assertWritable(path);
    return true;
  } catch {
    return false;
  }
}

/** @throws {MinferenceError} WRITE_FAILED */
export async function keepCosts(key: CostKey, costs: CostModel): Promise<void> {
  const file: CostFile = { schema: 'minference.costs/1', key, measured: new Date().toISOString(), costs };
  await writeFileAtomic(costFilePath(key), `${JSON.stringify(file, null, 2)}\n`);
}
