import { kernelGeometry } from '../../../src/runtime/native.js';
import { Session } from '../../../src/runtime/session.js';
import { Tensor } from '../../../src/runtime/tensor.js';
import type { Device } from '../../../src/runtime/types.js';
import { createRandom } from '../../../src/utils/prng.js';
import { buildModel, type Value } from '../../runtime/helpers/models.js';
import { type FloatType, floatTensor, roundTo, toFloat32 } from './half.js';

/** One call of SparseAttention as models make it: packed or separate projections, rotary embedding, a cache. */
export interface OpCase {
  rows: number;
  past?: number;
  /** Valid new rows per batch entry (only without a past). */
  lengths?: number[];
  heads?: number;
  kvHeads?: number;
  headDim?: number;
  /** Rows {kind, a, b, flags}, repeated over the heads. */
  patterns?: number[][];
  packed?: boolean;
  /** Width of the rotary embedding; none by default. */
  rotary?: number;
  interleaved?: boolean;
  sinks?: boolean;
  /** Past and present in one buffer with this many spare rows. */
  sharedSpare?: number;
  attributes?: Record<string, number | { float: number }>;
}

export interface OpResult {
  output: Float32Array;
  lse: Float32Array;
  presentKey: Float32Array;
  presentValue: Float32Array;
}

const INPUTS = ['q', 'k', 'v', 'past_k', 'past_v', 'seqlens', 'total', 'cos', 'sin', '', '', 'sink', 'patterns'];

/**
 * Runs the case on the GPU in `dtype`, or with the CPU's reference in float32 on the same numbers and at the tile of the
 * GPU's kernel.
 */
export async function runOp(kase: OpCase, dtype: FloatType, on: 'cuda' | 'reference'): Promise<OpResult> {
  const device: Device = on === 'cuda' ? 'cuda' : 'cpu';
  const type: FloatType = on === 'cuda' ? dtype : 'float32';
  const { heads = 4, kvHeads = 2, headDim = 64, rows, past = 0, lengths, packed = false } = kase;
  const { rotary = 0, sinks = false, sharedSpare } = kase;
  const batch = lengths?.length ?? 1;
  const capacity = past + rows + (sharedSpare ?? 0);
  const pastRows = sharedSpare === undefined ? past : capacity;
  const cache = [batch, kvHeads, pastRows, headDim];
  const positions = past + rows + 2;
  const used = INPUTS.map((name) => {
    if ((name === 'k' || name === 'v') && packed) return '';
    if ((name === 'cos' || name === 'sin') && rotary === 0) return '';
    return name === 'sink' && !sinks ? '' : name;
  });
  const floats: Record<string, number[]> = {
    q: [batch, rows, (packed ? heads + 2 * kvHeads : heads) * headDim],
    k: [batch, rows, kvHeads * headDim],
    v: [batch, rows, kvHeads * headDim],
    past_k: cache,
    past_v: cache,
    cos: [positions, rotary / 2],
    sin: [positions, rotary / 2],
    sink: [heads],
  };
  const present: Value[] = [
    ['present_k', type, [batch, kvHeads, capacity, headDim]],
    ['present_v', type, [batch, kvHeads, capacity, headDim]],
  ];
  const { blockM, blockN, keyAlign, columnsInPlace } = kernelGeometry(headDim, 'cuda');
  const model = buildModel({
    inputs: [
      ...Object.entries(floats)
        .filter(([name]) => used.includes(name))
        .map(([name, shape]): Value => [name, type, shape]),
      ['seqlens', 'int32', [batch]],
      ['total', 'int32', []],
      ['patterns', 'int32', [heads, 4]],
    ],
    outputs: [['o', type, [batch, rows, heads * headDim]], ...present, ['lse', 'float32', [batch, heads, rows]]],
    nodes: [
      {
        op: 'SparseAttention',
        domain: 'ai.minference',
        inputs: used,
        outputs: ['o', 'present_k', 'present_v', 'lse'],
        attributes: {
          num_heads: heads,
          kv_num_heads: kvHeads,
          ...(rotary > 0 ? { do_rotary: 1, rotary_interleaved: kase.interleaved ? 1 : 0 } : {}),
          ...kase.attributes,
          ...(on === 'cuda'
            ? {}
            : {
                implementation: 'reference',
                block_m: blockM,
                block_n: blockN,
                key_align: keyAlign,
                columns_in_place: columnsInPlace ? 1 : 0,
              }),
        },
      },
    ],
  });
  using session = await Session.create({ model, device });
  const feeds: Record<string, Tensor> = {
    seqlens: Tensor.fromArray(
      'int32',
      Int32Array.from(lengths ?? [past + rows], (n) => n - 1),
      [batch],
    ),
    total: Tensor.fromArray('int32', Int32Array.of(past + rows), []),
    patterns: Tensor.fromArray('int32', patternTable(kase.patterns ?? [[0, 0, 0, 0]], heads), [heads, 4]),
  };
  for (const [name, shape] of Object.entries(floats)) {
    if (used.includes(name)) feeds[name] = floatTensor(roundTo(random(name, shape), dtype), type, shape);
  }
  const fetches: Record<string, 'host' | Tensor> = { o: 'host', lse: 'host', present_k: 'host', present_v: 'host' };
  if (sharedSpare !== undefined) {
    for (const side of ['k', 'v']) {
      const host = feeds[`past_${side}`]!;
      const buffer = session.allocate(type, host.shape);
      await buffer.write(await host.toHost());
      host.dispose();
      feeds[`past_${side}`] = buffer;
      fetches[`present_${side}`] = buffer;
    }
  }
  const results = await session.run(feeds, fetches);
  const read = async (name: string, as: FloatType) => {
    using tensor = results[name]!;
    return toFloat32(await tensor.toHost(), as);
  };
  const result = {
    output: await read('o', type),
    lse: await read('lse', 'float32'),
    presentKey: await read('present_k', type),
    presentValue: await read('present_v', type),
  };
  for (const tensor of Object.values(feeds)) tensor.dispose();
  return result;
}

const patternTable = (patterns: number[][], heads: number) =>
  Int32Array.from(Array.from({ length: heads }, (_, head) => patterns[head % patterns.length]!).flat());

/** Angles are cosines and sines, so that rows keep their length; the rest lies between -2 and 2. */
function random(name: string, shape: number[]): Float32Array {
  const stream = createRandom(0, 'cuda', name === 'sin' ? 'cos' : name);
  const size = shape.reduce((product, dim) => product * dim, 1);
  const uniform = () => stream.float();
  if (name === 'cos') return Float32Array.from({ length: size }, () => Math.cos(2 * Math.PI * uniform()));
  if (name === 'sin') return Float32Array.from({ length: size }, () => Math.sin(2 * Math.PI * uniform()));
  return Float32Array.from({ length: size }, () => 4 * uniform() - 2);
}
