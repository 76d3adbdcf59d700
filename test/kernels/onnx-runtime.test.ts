import { describe, expect, test } from 'vitest';
import type { Tensor } from '../../src/runtime/tensor.js';
import { Tensor as TensorClass } from '../../src/runtime/tensor.js';
import { attentionPorts, type CallShape, type Ports, rotaryPorts } from './attention-ports.js';
import { expectClose } from './expect-close.js';
import { int32, runOp } from './op-session.js';

const OUTPUTS = [
  ['o', 'float32'],
  ['present_k', 'float32'],
  ['present_v', 'float32'],
] as const;

interface Call extends CallShape {
  attributes?: Record<string, number | { float: number }>;
  rotaryDim?: number;
  packed?: boolean;
  /** Explicit position_ids, in ascending order from this one. */
  firstPosition?: number;
}

/** [q | k | v] per row, as the exporters pack them. */
function packed([q, k, v, ...rest]: Ports): Ports {
  const parts = [q!, k!, v!].map(([, tensor]) => tensor);
  const rows = parts[0]!.shape[1]!;
  const width = parts.reduce((sum, { shape }) => sum + shape[2]!, 0);
  const data = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    let at = row * width;
    for (const part of parts) {
      const own = part.shape[2]!;
      data.set((part.data() as Float32Array).subarray(row * own, (row + 1) * own), at);
      at += own;
    }
  }
  return [['q', TensorClass.fromArray('float32', data, [1, rows, width])], null, null, ...rest];
}

/** Dense attention by our op and by ONNX Runtime's GroupQueryAttention, on the same inputs. */
async function both(call: Call): Promise<[Record<string, Tensor>, Record<string, Tensor>]> {
  const { rows, past = 0, heads = 4, kvHeads = 2, rotaryDim, firstPosition, attributes } = call;
  const ports = attentionPorts({ heads, kvHeads, ...call });
  const rotary = rotaryDim === undefined ? [null, null] : rotaryPorts(past + rows + (firstPosition ?? 0), rotaryDim);
  const positions =
    firstPosition === undefined
      ? null
      : ([
          'positions',
          TensorClass.fromArray(
            'int64',
            BigInt64Array.from({ length: rows }, (_, row) => BigInt(firstPosition + row)),
            [1, rows],
          ),
        ] as const);
  const shared = [...(call.packed ? packed(ports) : ports), ...rotary, positions];
  const common = {
    attributes: {
      num_heads: heads,
      kv_num_heads: kvHeads,
      ...(rotaryDim === undefined ? {} : { do_rotary: 1 }),
      ...attributes,
    },
    outputs: OUTPUTS,
  };
  const patterns = int32(Array(4 * heads).fill(0), [heads, 4]);
  return [
    await runOp({ op: 'SparseAttention', ...common, inputs: [...shared, null, null, ['patterns', patterns]] }),
    await runOp({ op: 'GroupQueryAttention', domain: 'com.microsoft', ...common, inputs: shared }),
  ];
}

describe('dense heads equal ONNX Runtime’s GroupQueryAttention', () => {
  test.each<[string, Call]>([
    ['one row', { rows: 1 }],
    ['rows of several blocks', { rows: 200 }],
    ['after a past', { rows: 70, past: 130 }],
    ['a decode step', { rows: 1, past: 333 }],
    ['one KV head', { rows: 100, heads: 8, kvHeads: 1 }],
    ['as many KV heads', { rows: 100, heads: 4, kvHeads: 4 }],
    ['head_dim 128', { rows: 100, headDim: 128 }],
    ['packed QKV', { rows: 90, past: 20, packed: true }],
    ['a scale', { rows: 100, attributes: { scale: { float: 0.4 } } }],
    ['a soft-cap', { rows: 100, attributes: { softcap: { float: 3 } } }],
    ['a local window', { rows: 150, past: 40, attributes: { local_window_size: 33 } }],
    ['rotary embedding', { rows: 100, rotaryDim: 32 }],
    ['rotary embedding after a past', { rows: 60, past: 77, rotaryDim: 32 }],
    ['rotary embedding of pairs', { rows: 100, rotaryDim: 32, attributes: { rotary_interleaved: 1 } }],
    ['rotary embedding, packed', { rows: 100, past: 9, rotaryDim: 32, packed: true }],
    ['rotary embedding of a part of the head', { rows: 60, past: 5, rotaryDim: 16 }],
    ['a part of the head, in pairs', { rows: 60, rotaryDim: 16, attributes: { rotary_interleaved: 1 } }],
    ['positions that are given', { rows: 40, rotaryDim: 32, firstPosition: 100 }],
  ])('%s', async (_, call) => {
    const [ours, theirs] = await both(call);
    for (const [name] of OUTPUTS) {
      expect(ours[name]!.shape).toEqual(theirs[name]!.shape);
      expectClose(ours[name]!.data() as Float32Array, theirs[name]!.data() as Float32Array, {
        atol: 2e-5,
        rtol: 2e-4,
      });
    }
  });
});
