import { readFile } from 'node:fs/promises';
import { getFloat16 } from '@petamoriken/float16';
import { z } from 'zod';
import { MinferenceError } from '../src/errors.js';
import type { WeightSource } from './builder/weights.js';

const tensorSchema = z.object({
  dtype: z.enum(['F16', 'F32']),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});

/** Bytes of the length field before the JSON header. */
const PREFIX = 8;

/**
 * Reads a .safetensors file of float16 or float32 tensors into float32.
 *
 * @throws MinferenceError MODEL_INVALID when header and contents do not fit
 */
export async function readSafetensors(path: string): Promise<WeightSource & { names: string[] }> {
  const file = await readFile(path);
  const invalid = (found: string) =>
    new MinferenceError('MODEL_INVALID', `${path}: expected a safetensors file of F16 or F32 tensors, found ${found}`);
  if (file.length < PREFIX) throw invalid(`${file.length} bytes`);
  const headerEnd = PREFIX + Number(file.readBigUInt64LE(0));
  if (headerEnd > file.length) throw invalid('a header longer than the file');
  const { __metadata__: _, ...entries } = JSON.parse(file.toString('utf8', PREFIX, headerEnd)) as Record<
    string,
    unknown
  >;
  const tensors = z.record(z.string(), tensorSchema).parse(entries);

  return {
    names: Object.keys(tensors),
    get(name) {
      const tensor = tensors[name];
      if (!tensor) throw invalid(`no tensor "${name}"`);
      const [start, end] = tensor.data_offsets;
      const count = tensor.shape.reduce((product, dim) => product * dim, 1);
      const width = tensor.dtype === 'F16' ? 2 : 4;
      if (end - start !== count * width || headerEnd + end > file.length) throw invalid(`"${name}" with a wrong size`);
      const view = new DataView(file.buffer, file.byteOffset + headerEnd + start, end - start);
      const values = new Float32Array(count);
      const half = width === 2 ? halfTable() : null;
      for (let index = 0; index < count; index++) {
        values[index] = half ? half[view.getUint16(index * 2, true)]! : view.getFloat32(index * 4, true);
      }
      return values;
    },
  };
}

/** float32 value of each of the 65,536 half patterns: a look-up is far faster than a conversion. */
function halfTable(): Float32Array {
  const view = new DataView(Uint16Array.from({ length: 65_536 }, (_, bits) => bits).buffer);
  return Float32Array.from({ length: 65_536 }, (_, bits) => getFloat16(view, bits * 2, true));
}
