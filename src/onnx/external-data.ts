import { open, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { type GraphProto, type TensorProto, TensorProto_DataLocation } from 'onnx-buf';
import { MinferenceError } from '../errors.js';
import { sniffFormat } from './sniff-format.js';
import { tensorBytes } from './tensor-bytes.js';
import type { OnnxModel } from './types.js';

/** Where an external tensor's bytes lie. */
export interface ExternalLocation {
  tensor: string;
  /** Bytes that its shape and element type need; null for types of unknown size. */
  needed: number | null;
  /** Path relative to the model's folder, as the model gives it. */
  location: string;
  offset: number;
  /** null: to the end of the file. */
  length: number | null;
}

/** As many as {@link sniffFormat} looks at. */
const HEAD_BYTES = 64;

interface DataFile {
  size: number;
  head: Uint8Array;
}

const isExternal = (tensor: TensorProto) => tensor.dataLocation === TensorProto_DataLocation.EXTERNAL;

function invalid(tensor: string, problem: string): MinferenceError {
  return new MinferenceError('MODEL_EXTERNAL_DATA', `external data of tensor ${tensor}: ${problem}`, {
    hint: 'download or copy the model again with all of its data files beside it',
  });
}

function wholeNumber(tensor: string, key: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw invalid(tensor, `expected ${key} to be a whole number of bytes, found "${text.slice(0, 40)}"`);
}

/** The entry of one tensor, or null for inline data. */
export function externalLocation(tensor: TensorProto): ExternalLocation | null {
  if (!isExternal(tensor)) return null;
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location');
  if (!location) throw invalid(tensor.name, 'expected a location, found none');
  const length = entries.get('length');
  return {
    tensor: tensor.name,
    needed: tensorBytes(tensor),
    location,
    offset: wholeNumber(tensor.name, 'offset', entries.get('offset') ?? '0'),
    length: length === undefined ? null : wholeNumber(tensor.name, 'length', length),
  };
}

function collect(graph: GraphProto, into: TensorProto[]): void {
  for (const tensor of graph.initializer) if (isExternal(tensor)) into.push(tensor);
  for (const node of graph.node) {
    for (const { t, g } of node.attribute) {
      if (t && isExternal(t)) into.push(t);
      if (g) collect(g, into);
    }
  }
}

/** Every tensor of the model whose bytes are in another file. */
export function externalTensors(model: OnnxModel): TensorProto[] {
  const tensors: TensorProto[] = [];
  if (model.proto.graph) collect(model.proto.graph, tensors);
  return tensors;
}

/** Where the bytes of {@link externalTensors} lie. */
export const externalLocations = (model: OnnxModel): ExternalLocation[] =>
  externalTensors(model).map((tensor) => externalLocation(tensor)!);

/** Absolute paths of the data files, each once. */
export const externalFiles = (model: OnnxModel): string[] => [
  ...new Set(externalLocations(model).map(({ location }) => join(model.folder, location))),
];

const escapes = (folder: string, path: string) => {
  const inside = relative(folder, path);
  return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside);
};

/**
 * Folders that data files may really lie in: the model's, and where its file is a link, that of the file. Hub caches are
 * folders of links into one folder of blobs.
 */
async function allowedFolders({ folder, path }: OnnxModel): Promise<string[]> {
  return [await realpath(folder), dirname(await realpath(path))];
}

/** First bytes of a data file. @throws {MinferenceError} READ_FAILED where this user may not read it */
async function readHead(tensor: string, path: string): Promise<Uint8Array> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    const { message } = cause as Error;
    throw new MinferenceError('READ_FAILED', `external data of tensor ${tensor}: ${path} cannot be read (${message})`, {
      hint: `let this user read it: chmod a+r ${path}, by its owner`,
      cause,
    });
  }
}

async function openDataFile(
  folder: string,
  allowed: readonly string[],
  { tensor, location }: ExternalLocation,
): Promise<DataFile> {
  const path = join(folder, location);
  if (isAbsolute(location) || location.includes('\0') || escapes(folder, path)) {
    throw invalid(tensor, `expected a path inside the model's folder, found "${location}"`);
  }
  const real = await realpath(path).catch(() => null);
  if (real === null) throw invalid(tensor, `expected the file ${path}, found nothing`);
  if (allowed.every((place) => escapes(place, real))) {
    throw invalid(tensor, `expected a file inside the model's folder, found a link from ${path} to ${real}`);
  }
  const facts = await stat(real);
  if (!facts.isFile()) throw invalid(tensor, `expected a file, found ${path}, which is none`);
  return { size: facts.size, head: await readHead(tensor, path) };
}

/**
 * Checks that every external data file is inside the model's folder, may be read, and is long enough.
 *
 * @throws {MinferenceError} READ_FAILED; MODEL_EXTERNAL_DATA naming tensor, file, and the bytes needed and found.
 */
export async function checkExternalData(model: OnnxModel): Promise<void> {
  const allowed = await allowedFolders(model);
  const files = new Map<string, DataFile>();
  for (const entry of externalLocations(model)) {
    let file = files.get(entry.location);
    if (file === undefined) {
      file = await openDataFile(model.folder, allowed, entry);
      files.set(entry.location, file);
    }
    const { needed, length } = entry;
    if (needed !== null && length !== null && needed !== length) {
      throw invalid(entry.tensor, `expected ${needed} bytes for its shape, found a length of ${length}`);
    }
    const end = entry.offset + (length ?? needed ?? 0);
    if (end > file.size) {
      // Weights may begin with any bytes: what they look like counts only where they are too few.
      const format = sniffFormat(file.head);
      throw invalid(
        entry.tensor,
        `expected at least ${end} bytes in ${join(model.folder, entry.location)}, found ${file.size}${format ? `: ${format}` : ''}`,
      );
    }
  }
}
