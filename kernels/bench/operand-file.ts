import { Float16Array } from '@petamoriken/float16';
import { MinferenceError } from '../../src/errors.js';

/** What one attention node works on: queries and keys after rotary embedding, in float32. */
export interface Operands {
  rows: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  /** [rows, heads, headDim] */
  q: Float32Array;
  /** [kvHeads, rows, headDim], as the cache has them. */
  k: Float32Array;
  v: Float32Array;
}

/**
 * Little-endian: eight bytes of magic, then uint32 version, dtype (kernels/include/minference/params.h's DataType),
 * rows, heads, KV heads and head size; after them the elements of q, k and v. cuda/bench/operand_file.cc and
 * gpu-baseline.py read the same.
 */
const MAGIC = 'MINFQKV\0';
const VERSION = 1;
const FLOAT16 = 1;
/** All ones in infinities and NaN. */
const EXPONENT = 0x7c00;
const HEADER_BYTES = MAGIC.length + 6 * Uint32Array.BYTES_PER_ELEMENT;

const PARTS = ['q', 'k', 'v'] as const;

type Shape = Pick<Operands, 'rows' | 'heads' | 'kvHeads' | 'headDim'>;

const lengthOf = ({ rows, heads, kvHeads, headDim }: Shape, part: (typeof PARTS)[number]) =>
  rows * (part === 'q' ? heads : kvHeads) * headDim;

/** The file's bytes, elements rounded to float16. @throws {MinferenceError} DATASET_INVALID for what float16 cannot hold */
export function encodeOperands(operands: Operands): Uint8Array {
  const shape = [operands.rows, operands.heads, operands.kvHeads, operands.headDim];
  const elements = PARTS.reduce((sum, part) => sum + lengthOf(operands, part), 0);
  const bytes = Buffer.alloc(HEADER_BYTES + elements * Float16Array.BYTES_PER_ELEMENT);
  bytes.write(MAGIC, 'latin1');
  for (const [i, word] of [VERSION, FLOAT16, ...shape].entries()) bytes.writeUInt32LE(word, MAGIC.length + 4 * i);
  const place = [bytes.buffer as ArrayBuffer, bytes.byteOffset + HEADER_BYTES, elements] as const;
  const [halves, bits] = [new Float16Array(...place), new Uint16Array(...place)];
  let at = 0;
  for (const part of PARTS) {
    const values = operands[part];
    if (values.length !== lengthOf(operands, part)) {
      throw invalid(`expected ${lengthOf(operands, part)} elements of ${part}, found ${values.length}`);
    }
    halves.set(values, at);
    const wrong = bits.subarray(at, at + values.length).findIndex((half) => (half & EXPONENT) === EXPONENT);
    if (wrong >= 0) throw invalid(`expected ${part} within float16's range, found ${values[wrong]}`);
    at += values.length;
  }
  return bytes;
}

/** @throws {MinferenceError} DATASET_INVALID saying what was expected and found */
export function decodeOperands(bytes: Uint8Array): Operands {
  if (bytes.length < HEADER_BYTES) {
    throw invalid(`expected a header of ${HEADER_BYTES} bytes, found ${bytes.length} bytes`);
  }
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const magic = file.toString('latin1', 0, MAGIC.length);
  if (magic !== MAGIC) throw invalid(`expected the magic ${JSON.stringify(MAGIC)}, found ${JSON.stringify(magic)}`);
  const words = Array.from({ length: 6 }, (_, i) => file.readUInt32LE(MAGIC.length + 4 * i));
  const [version, dtype, rows, heads, kvHeads, headDim] = words as [number, number, number, number, number, number];
  if (version !== VERSION) throw invalid(`expected version ${VERSION}, found ${version}`);
  if (dtype !== FLOAT16) throw invalid(`expected dtype ${FLOAT16} (float16), found ${dtype}`);
  const shape = { rows, heads, kvHeads, headDim };
  if (Object.values(shape).includes(0) || heads % kvHeads !== 0) {
    throw invalid(
      `expected rows, heads, KV heads that divide them and a head size, found ${words.slice(2).join(', ')}`,
    );
  }
  const elements = PARTS.reduce((sum, part) => sum + lengthOf(shape, part), 0);
  const size = HEADER_BYTES + elements * Float16Array.BYTES_PER_ELEMENT;
  if (bytes.length !== size) {
    throw invalid(`expected ${size} bytes for ${words.slice(2).join(' × ')}, found ${bytes.length}`);
  }
  // A copy: a view need not begin at an even address.
  const halves = new Float16Array(new Uint8Array(bytes.subarray(HEADER_BYTES)).buffer);
  let at = 0;
  const take = (part: (typeof PARTS)[number]) => {
    const begin = at;
    at += lengthOf(shape, part);
    return Float32Array.from(halves.subarray(begin, at));
  };
  return { ...shape, q: take('q'), k: take('k'), v: take('v') };
}

const invalid = (message: string) => new MinferenceError('DATASET_INVALID', `operands: ${message}`);
