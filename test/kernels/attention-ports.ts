import { Tensor } from '../../src/runtime/tensor.js';
import { int32, randomTensor } from './op-session.js';

export interface CallShape {
  rows: number;
  past?: number;
  heads?: number;
  kvHeads?: number;
  headDim?: number;
  seed?: string;
}

/** A call of which nothing is left to defaults. */
export type Call = Required<CallShape>;

export type Ports = (readonly [name: string, tensor: Tensor] | null)[];

/** Rows of `tensor` [1, rows, width] from `begin` on, as a tensor of their own. */
export function sliceRows(tensor: Tensor, begin: number, end: number): Tensor {
  const width = tensor.shape[2]!;
  const data = (tensor.data() as Float32Array).slice(begin * width, end * width);
  return Tensor.fromArray('float32', data, [1, end - begin, width]);
}

/** The inputs 0 to 6 that SparseAttention shares with ONNX Runtime's GroupQueryAttention, random. */
export function attentionPorts(shape: CallShape): Ports {
  const { rows, past = 0, heads = 4, kvHeads = 2, headDim = 32, seed = 'ports' } = shape;
  const cache = [1, kvHeads, past, headDim];
  return [
    ['q', randomTensor(seed, 'q', [1, rows, heads * headDim])],
    ['k', randomTensor(seed, 'k', [1, rows, kvHeads * headDim])],
    ['v', randomTensor(seed, 'v', [1, rows, kvHeads * headDim])],
    ['past_k', randomTensor(seed, 'past_k', cache)],
    ['past_v', randomTensor(seed, 'past_v', cache)],
    ['seqlens', int32([past + rows - 1])],
    ['total', int32([past + rows], [])],
  ];
}

/** cos and sin tables [positions, rotaryDim / 2] of base 10,000. */
export function rotaryPorts(positions: number, rotaryDim: number): Ports {
  const half = rotaryDim / 2;
  const table = (wave: (angle: number) => number) =>
    Tensor.fromArray(
      'float32',
      Float32Array.from({ length: positions * half }, (_, i) =>
        wave(Math.floor(i / half) / 10_000 ** ((i % half) / half)),
      ),
      [positions, half],
    );
  return [
    ['cos', table(Math.cos)],
    ['sin', table(Math.sin)],
  ];
}

/** The call's ports and `head_patterns` behind them: `rows` of four numbers in turns, one per head. */
export const patternedPorts = (ports: Ports, heads: number, rows: readonly (readonly number[])[]): Ports => [
  ...ports,
  ...Array<null>(5).fill(null),
  ['rows', int32(Array.from({ length: heads }, (_, head) => rows[head % rows.length]!).flat(), [heads, 4])],
];

/** Outputs of SparseAttention, with those of indices. */
export const OUTPUTS_WITH_INDICES = [
  ['o', 'float32'],
  ['present_k', 'float32'],
  ['present_v', 'float32'],
  ['lse', 'float32'],
  ['range_offsets', 'int64'],
  ['ranges', 'int32'],
  ['column_offsets', 'int64'],
  ['columns', 'int32'],
] as const;
