import { expect } from 'vitest';
import { Tensor } from '../../src/runtime/tensor.js';
import { attentionPorts } from './attention-ports.js';
import { int32, numbers, type OpCall, randomTensor, runOp } from './op-session.js';

export const [ROWS, PAST, HEADS, KV_HEADS, HEAD_DIM] = [20, 10, 4, 2, 32];
const NAMES = [
  'q',
  'k',
  'v',
  'past_k',
  'past_v',
  'seqlens',
  'total',
  'cos',
  'sin',
  'positions',
  'bias',
  'sink',
  'rows',
];

/** Inputs by name (see NAMES; `rows` are head_patterns or candidates); null leaves one out. */
export type Changes = Record<string, Tensor | null>;

export const zeros = (shape: number[]) => randomTensor('zeros', 'any', shape, 0);
export const float = (value: number, count = 1) =>
  Tensor.fromArray('float32', new Float32Array(count).fill(value), [count]);
export const patterns = (row: number[], rows = HEADS) => int32(Array(rows).fill(row).flat(), [rows, row.length]);

/** A call that is valid but for the changes. */
export function callWith(changes: Changes, attributes: OpCall['attributes'] = {}, op = 'SparseAttention') {
  const valid = attentionPorts({ rows: ROWS, past: PAST, heads: HEADS, kvHeads: KV_HEADS, headDim: HEAD_DIM });
  const tensors: Changes = {
    ...Object.fromEntries(valid.map((port) => port!)),
    rows: patterns([0, 0, 0, 0]),
    budget: float(1e6),
    ...changes,
  };
  const probe = op === 'AttentionProbe';
  return runOp({
    op,
    attributes: { num_heads: HEADS, kv_num_heads: KV_HEADS, ...attributes },
    inputs: [...NAMES, ...(probe ? ['budget'] : [])].map((name) => (tensors[name] ? [name, tensors[name]] : null)),
    outputs: ['o', 'present_k', 'present_v', ...(probe ? ['scores'] : [])].map((name) => [name, 'float32']),
  });
}

/** The call fails with a message that names the op and says `text`; a valid call gives the same before and after. */
export async function expectFailure(
  text: string,
  changes: Changes,
  attributes: OpCall['attributes'] = {},
  op = 'SparseAttention',
): Promise<void> {
  const before = numbers((await callWith({})).o!);
  await expect(callWith(changes, attributes, op)).rejects.toMatchObject({
    name: 'MinferenceError',
    code: 'RUNTIME_FAILED',
    message: expect.stringContaining(`${op}: ${text}`),
  });
  expect(numbers((await callWith({})).o!)).toEqual(before);
}
