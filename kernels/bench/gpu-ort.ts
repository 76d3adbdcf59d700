import { Float16Array } from '@petamoriken/float16';
import { oneNodeModel, type Port } from '../../src/runtime/one-node-model.js';
import { Session } from '../../src/runtime/session.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { createRandom } from '../../src/utils/prng.js';
import { median } from '../../src/utils/statistics.js';
import type { GpuRow } from './gpu-row.js';

const FLOAT16 = 10;
const INT32 = 6;
const HEADS = 32;
const KV_HEADS = 8;
const HEAD_DIM = 128;
const K = 1024;
/** Rows {kind, a, b, flags}. */
const DENSE = [0, 0, 0, 0];
const BLOCKS = [3, 100, 0, 0];
/** Nodes of a model whose single node would be over before ONNX Runtime has done its bookkeeping. */
const MANY = 17;

interface Case {
  id: string;
  op: 'GroupQueryAttention' | 'SparseAttention';
  tokens: number;
  /** New rows; the others are in the cache. */
  rows: number;
  pattern?: number[];
}

const CASES: Case[] = [
  ...[32 * K, 128 * K].flatMap((tokens): Case[] => [
    { id: `dense-${tokens / K}k/ort`, op: 'GroupQueryAttention', tokens, rows: tokens },
    { id: `dense-${tokens / K}k/ours-in-ort`, op: 'SparseAttention', tokens, rows: tokens, pattern: DENSE },
  ]),
  { id: 'blocks-128k/ours-in-ort', op: 'SparseAttention', tokens: 128 * K, rows: 128 * K, pattern: BLOCKS },
  { id: 'decode-128k/ort', op: 'GroupQueryAttention', tokens: 128 * K, rows: 1 },
  { id: 'decode-128k/ours-in-ort', op: 'SparseAttention', tokens: 128 * K, rows: 1, pattern: DENSE },
];

/**
 * ONNX Runtime's GroupQueryAttention and our op under it, float16, on tensors of the device: wall time of whole runs.
 * The caches are far larger than the L2. A decode step is the difference between a model of many nodes and one of one.
 */
export async function benchOnnxRuntime(options: {
  only: RegExp;
  runs: number;
  log: (line: string) => void;
}): Promise<GpuRow[]> {
  const rows: GpuRow[] = [];
  for (const kase of CASES.filter(({ id }) => options.only.test(id))) {
    try {
      const isDecode = kase.rows === 1;
      const single = await timeRuns(kase, 1, options.runs);
      const times = isDecode ? await timeRuns(kase, MANY, 3 * options.runs) : single;
      const perNode = isDecode ? times.map((ms) => (ms - median(single)) / (MANY - 1)) : times;
      const row = describe(kase, perNode);
      rows.push(row);
      const rate = row.tflops === undefined ? '' : `${row.tflops.toFixed(1)} TFLOP/s`;
      options.log(`${kase.id.padEnd(26)} ${row.ms.toFixed(3).padStart(9)} ms  ${rate}`);
    } catch (error) {
      options.log(`${kase.id.padEnd(26)} failed: ${(error as Error).message}`);
    }
  }
  return rows;
}

function describe({ id, tokens, rows, pattern }: Case, times: number[]): GpuRow {
  const ms = median(times);
  const isDense = rows > 1 && pattern !== BLOCKS;
  const flops = 2 * HEADS * HEAD_DIM * rows * (2 * tokens - rows + 1);
  return {
    id,
    tokens,
    heads: HEADS,
    kvHeads: KV_HEADS,
    headDim: HEAD_DIM,
    ms,
    leastMs: Math.min(...times),
    mostMs: Math.max(...times),
    runs: times.length,
    ...(isDense ? { flops, tflops: (flops / ms) * 1e-9 } : {}),
  };
}

/** Milliseconds of whole runs of a model with so many equal nodes. */
async function timeRuns(kase: Case, nodes: number, runs: number): Promise<number[]> {
  const isOurs = kase.op === 'SparseAttention';
  // Without optimization: equal nodes are not to be made one.
  using session = await Session.create({
    model: attentionModel(kase.op, nodes),
    device: 'cuda',
    customOps: isOurs,
    optimization: 'none',
  });
  const { feeds, out } = await makeOperands(kase, session);
  // Past and present share their buffer.
  const fetches: Record<string, Tensor> = {};
  for (let node = 0; node < nodes; node++) {
    const own = { [`o${node}`]: out, [`present_k${node}`]: feeds.past_k!, [`present_v${node}`]: feeds.past_v! };
    Object.assign(fetches, own);
  }
  try {
    const times: number[] = [];
    for (let run = -2; run < runs; run++) {
      const started = performance.now();
      await session.run(feeds, fetches);
      if (run >= 0) times.push(performance.now() - started);
    }
    return times;
  } finally {
    for (const tensor of [...Object.values(feeds), out]) tensor.dispose();
  }
}

async function makeOperands({ op, tokens, rows, pattern }: Case, session: Session) {
  const device = async (...shape: number[]) => {
    const tensor = session.allocate('float16', shape);
    await fillNormal(tensor);
    return tensor;
  };
  const int32 = (values: number[], shape: number[]) => Tensor.fromArray('int32', Int32Array.from(values), shape);
  const feeds: Record<string, Tensor> = {
    q: await device(1, rows, HEADS * HEAD_DIM),
    k: await device(1, rows, KV_HEADS * HEAD_DIM),
    v: await device(1, rows, KV_HEADS * HEAD_DIM),
    past_k: await device(1, KV_HEADS, tokens, HEAD_DIM),
    past_v: await device(1, KV_HEADS, tokens, HEAD_DIM),
    seqlens: int32([tokens - 1], [1]),
    total: int32([tokens], []),
  };
  if (op === 'SparseAttention') feeds.patterns = int32(Array(HEADS).fill(pattern).flat(), [HEADS, 4]);
  return { feeds, out: session.allocate('float16', [1, rows, HEADS * HEAD_DIM]) };
}

function attentionModel(op: Case['op'], nodes: number): Uint8Array {
  const isOurs = op === 'SparseAttention';
  const shared = ['q', 'k', 'v', 'past_k', 'past_v', 'seqlens', 'total'];
  const cache = ['b', KV_HEADS, 'capacity', HEAD_DIM];
  const outputs = (node: number): Port[] => [
    [`o${node}`, FLOAT16, ['b', 's', HEADS * HEAD_DIM]],
    [`present_k${node}`, FLOAT16, cache],
    [`present_v${node}`, FLOAT16, cache],
  ];
  const numbers = Array.from({ length: nodes }, (_, node) => node);
  return oneNodeModel({
    opType: op,
    domain: isOurs ? 'ai.minference' : 'com.microsoft',
    inputs: isOurs ? [...shared, '', '', '', '', '', 'patterns'] : shared,
    outputs: numbers.map((node) => outputs(node).map(([name]) => name)),
    ports: {
      inputs: [
        ['q', FLOAT16, ['b', 's', HEADS * HEAD_DIM]],
        ['k', FLOAT16, ['b', 's', KV_HEADS * HEAD_DIM]],
        ['v', FLOAT16, ['b', 's', KV_HEADS * HEAD_DIM]],
        ['past_k', FLOAT16, cache],
        ['past_v', FLOAT16, cache],
        ['seqlens', INT32, ['b']],
        ['total', INT32, []],
        ...(isOurs ? [['patterns', INT32, [HEADS, 4]] as Port] : []),
      ],
      outputs: numbers.flatMap(outputs),
    },
    attributes: { num_heads: HEADS, kv_num_heads: KV_HEADS },
  });
}

/** A prime number of normal values: repeated, they fall on other rows and columns each time. */
const PERIOD = 2_097_143;
let normal: Uint16Array<ArrayBuffer> | undefined;

async function fillNormal(tensor: Tensor): Promise<void> {
  normal ??= makeNormal();
  const elements = tensor.shape.reduce((product, dim) => product * dim, 1);
  for (let at = 0; at < elements; at += PERIOD) {
    await tensor.write(normal.subarray(0, Math.min(PERIOD, elements - at)), at);
  }
}

function makeNormal(): Uint16Array<ArrayBuffer> {
  const random = createRandom(0, 'bench', 'normal');
  const values = Float16Array.from({ length: PERIOD }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random.float()));
    return radius * Math.cos(2 * Math.PI * random.float());
  });
  return new Uint16Array(values.buffer as ArrayBuffer);
}
