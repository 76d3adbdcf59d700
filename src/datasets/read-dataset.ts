import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { MinferenceError } from '../errors.js';
import { sha256 } from '../utils/hash.js';
import { readJsonFile } from '../utils/json.js';
import { packageRoot } from '../utils/package-root.js';
import { describeProblem } from '../utils/zod-problem.js';
import { type DatasetManifest, manifestSchema } from './manifest.js';

const MAX_MANIFEST_BYTES = 2 ** 20;
const REINSTALL = 'the package is damaged: install it again';

/** The data sets that come with this package. */
export const datasetsFolder = (): string => join(packageRoot(), 'datasets');

/**
 * Reads the manifest of a data set.
 *
 * @throws {MinferenceError} READ_FAILED, DATASET_INVALID
 */
export async function readManifest(folder: string): Promise<DatasetManifest> {
  const path = join(folder, 'manifest.json');
  const value = await readJsonFile(path, { code: 'DATASET_INVALID', maxBytes: MAX_MANIFEST_BYTES, hint: REINSTALL });
  const result = manifestSchema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  throw new MinferenceError('DATASET_INVALID', `${path}: ${describeProblem(result.error)}`, { hint: REINSTALL });
}

/**
 * Reads one text file of a data set, unpacked; its hashes are checked.
 *
 * @param name folder under datasets/
 * @throws {MinferenceError} READ_FAILED, DATASET_INVALID
 */
export async function readDataset(
  name: string,
  file: string,
  root = datasetsFolder(),
): Promise<{ text: string; sha256: string }> {
  const folder = join(root, name);
  const entry = (await readManifest(folder)).files.find(({ path }) => path === file);
  if (!entry) throw damaged(join(folder, 'manifest.json'), `expected an entry for ${file}, found none`);
  const path = join(folder, file);
  const packed = await readFile(path).catch((cause) => {
    throw new MinferenceError('READ_FAILED', `${path}: cannot be read (${(cause as Error).message})`, {
      hint: REINSTALL,
      cause,
    });
  });
  check(path, packed, entry);
  if (!entry.content) return { text: packed.toString('utf8'), sha256: entry.sha256 };
  const content = await promisify(gunzip)(packed, { maxOutputLength: entry.content.bytes + 1 }).catch((cause) => {
    throw damaged(path, `expected gzip data of ${entry.content!.bytes} bytes (${(cause as Error).message})`);
  });
  check(`${path}, unpacked`, content, entry.content);
  return { text: content.toString('utf8'), sha256: entry.content.sha256 };
}

function check(name: string, data: Uint8Array, expected: { bytes: number; sha256: string }): void {
  if (data.length !== expected.bytes) {
    throw damaged(name, `expected ${expected.bytes} bytes as its manifest says, found ${data.length}`);
  }
  const found = sha256(data);
  if (found !== expected.sha256) {
    throw damaged(
      name,
      `expected SHA-256 ${expected.sha256.slice(0, 12)}… as its manifest says, found ${found.slice(0, 12)}…`,
    );
  }
}

const damaged = (name: string, problem: string) =>
  new MinferenceError('DATASET_INVALID', `${name}: ${problem}`, { hint: REINSTALL });
