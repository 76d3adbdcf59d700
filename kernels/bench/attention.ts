import { encodeHeadPattern, type HeadPattern, PATTERN_FLAG, PATTERN_KIND } from '../../src/patterns/head-pattern.js';
import { simdLevel } from '../../src/runtime/native.js';
import { oneNodeModel, type Port } from '../../src/runtime/one-node-model.js';
import { Session } from '../../src/runtime/session.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { createRandom } from '../../src/utils/prng.js';
import { median } from '../../src/utils/statistics.js';

const HEADS = 8;
const KV_HEADS = 2;
const HEAD_DIM = 64;
const FLOAT = 1;
const INT32 = 6;
const SGEMM_SIZE = 2048;
const ROUNDS = 5;

/** Seconds and rate of one kernel; `gflops` counts dense causal FLOPs for dense rows and computed tiles for sparse ones. */
export interface AttentionRow {
  what: string;
  length: number;
  seconds: number;
  gflops: number;
}

/** Dense causal FLOPs of all heads: 4·d·S(S+1)/2 each. */
const denseFlops = (length: number) => HEADS * 2 * HEAD_DIM * length * (length + 1);

/**
 * Attention alone, float32, 8 heads of 64 over 2 KV heads: ONNX Runtime's GroupQueryAttention, our dense and our sparse
 * kernels, and ONNX Runtime's MatMul as the measure of what the machine can do. All take turns in every round.
 */
export async function benchAttention(options: {
  lengths?: number[];
  log: (line: string) => void;
}): Promise<AttentionRow[]> {
  const { lengths = [8192, 16_384], log } = options;
  log(`attention: ${HEADS} heads of ${HEAD_DIM}, ${KV_HEADS} KV heads, float32, ${simdLevel()} kernels`);
  log('tokens  what                                     seconds   GFLOP/s   vs sgemm   vs our dense');
  const rows: AttentionRow[] = [];
  using sgemm = await Session.create({ model: sgemmModel(), device: 'cpu', customOps: false });
  using onnxRuntime = await Session.create({ model: attentionModel('com.microsoft'), device: 'cpu', customOps: false });
  using ours = await Session.create({ model: attentionModel('ai.minference'), device: 'cpu' });
  using probe = await Session.create({ model: attentionModel('ai.minference', 'probe'), device: 'cpu' });
  for (const length of lengths) {
    const feeds = attentionFeeds(length);
    const cases = [
      { what: 'sgemm (ONNX Runtime MatMul)', flops: 2 * SGEMM_SIZE ** 3, run: matMulRun(sgemm) },
      { what: 'dense, ONNX Runtime', flops: denseFlops(length), run: () => onnxRuntime.run(feeds, { o: 'host' }) },
      ...[denseCase(length), ...(await fitCases(probe, feeds, length))].map(({ what, flops, patterns }) => ({
        what,
        flops,
        run: () => ours.run({ ...feeds, patterns }, { o: 'host' }),
      })),
    ];
    const times = cases.map(() => [] as number[]);
    for (let round = -1; round < ROUNDS; round++) {
      for (const [index, { run }] of cases.entries()) {
        const started = performance.now();
        const results = await run();
        const seconds = (performance.now() - started) / 1000;
        for (const tensor of Object.values(results)) tensor.dispose();
        if (round >= 0) times[index]!.push(seconds);
      }
    }
    const seconds = times.map(median);
    const rate = (index: number) => cases[index]!.flops / seconds[index]! / 1e9;
    for (const [index, { what }] of cases.entries()) {
      rows.push({ what, length, seconds: seconds[index]!, gflops: rate(index) });
      const ratio = index < 2 ? '' : `${(seconds[2]! / seconds[index]!).toFixed(2)}×`;
      log(
        `${String(length).padStart(6)}  ${what.padEnd(38)} ${seconds[index]!.toFixed(3).padStart(9)} ${rate(index).toFixed(1).padStart(9)}` +
          `   ${`${((100 * rate(index)) / rate(0)).toFixed(0)} %`.padStart(8)}   ${ratio.padStart(12)}`,
      );
    }
  }
  return rows;
}

function denseCase(length: number): FittedCase {
  const patterns = Tensor.fromArray('int32', new Int32Array(4 * HEADS), [HEADS, 4]);
  return { what: 'dense, ours', patterns, flops: denseFlops(length) };
}

/** Patterns of one cost: what the op's own fitting makes of them on these inputs, and the FLOPs it counts. */
interface FittedCase {
  what: string;
  patterns: Tensor;
  flops: number;
}

const BUDGETS = [0.2, 0.1, 0.05];
/** Starting points of the fit; the flagged size moves until the counted cost meets the budget. */
const CANDIDATES: { pattern: HeadPattern; flags: number }[] = [
  { pattern: { type: 'a_shape', sink: 64, window: 1024 }, flags: PATTERN_FLAG.fitB },
  // Columns, not diagonals: on random inputs far diagonals do not merge, and a step of them would miss the budget by far.
  { pattern: { type: 'vertical_slash', vertical: 500, slash: 64 }, flags: PATTERN_FLAG.fitA },
  { pattern: { type: 'block_sparse', blocks: 16 }, flags: PATTERN_FLAG.fitA },
];

/** Fields of a row of AttentionProbe's scores that are read here; kernels/include/minference/pattern.h names them all. */
const SCORE = { flops: 4, fittedA: 6, fittedB: 7, count: 8 } as const;

async function fitCases(probe: Session, feeds: Record<string, Tensor>, length: number): Promise<FittedCase[]> {
  const rows = CANDIDATES.flatMap(({ pattern, flags }) => encodeHeadPattern(pattern, flags));
  const candidates = Tensor.fromArray('int32', Int32Array.from(rows), [CANDIDATES.length, 4]);
  const cases: FittedCase[] = [];
  for (const fraction of BUDGETS) {
    const budget = Tensor.fromArray('float32', Float32Array.of((fraction * denseFlops(length)) / HEADS), [1]);
    const { scores } = await probe.run({ ...feeds, candidates, budget }, { scores: 'host' });
    const values = scores!.data() as Float32Array;
    for (const [index, { pattern }] of CANDIDATES.entries()) {
      const field = (head: number, name: keyof typeof SCORE) =>
        values[(head * CANDIDATES.length + index) * SCORE.count + SCORE[name]]!;
      const heads = Array.from({ length: HEADS }, (_, head) => head);
      const fitted = heads.flatMap((head) => [
        PATTERN_KIND[pattern.type],
        field(head, 'fittedA'),
        field(head, 'fittedB'),
        PATTERN_FLAG.noFallback,
      ]);
      cases.push({
        what: `${pattern.type}, ${fraction * 100} % of dense`,
        patterns: Tensor.fromArray('int32', Int32Array.from(fitted), [HEADS, 4]),
        flops: heads.reduce((sum, head) => sum + field(head, 'flops'), 0),
      });
    }
  }
  return cases;
}

function attentionModel(
  domain: 'com.microsoft' | 'ai.minference',
  kind: 'attention' | 'probe' = 'attention',
): Uint8Array {
  const shared = ['q', 'k', 'v', 'past_k', 'past_v', 'seqlens', 'total'];
  const unused = ['', '', '', '', ''];
  const cache = (rows: string) => ['b', KV_HEADS, rows, HEAD_DIM];
  const isProbe = kind === 'probe';
  const isOurs = domain === 'ai.minference';
  const own: Port[] = isProbe
    ? [
        ['candidates', INT32, ['c', 4]],
        ['budget', FLOAT, [1]],
      ]
    : [['patterns', INT32, [HEADS, 4]]];
  const outputs: Port[] = [
    ['o', FLOAT, ['b', 's', HEADS * HEAD_DIM]],
    ['present_k', FLOAT, cache('t')],
    ['present_v', FLOAT, cache('t')],
    ...(isProbe ? [['scores', FLOAT, [HEADS, 'c', SCORE.count]] as Port] : []),
  ];
  const ops = { attention: isOurs ? 'SparseAttention' : 'GroupQueryAttention', probe: 'AttentionProbe' };
  return oneNodeModel({
    opType: ops[kind],
    domain,
    inputs: isOurs ? [...shared, ...unused, ...own.map(([name]) => name)] : shared,
    outputs: outputs.map(([name]) => name),
    ports: {
      inputs: [
        ['q', FLOAT, ['b', 's', HEADS * HEAD_DIM]],
        ['k', FLOAT, ['b', 's', KV_HEADS * HEAD_DIM]],
        ['v', FLOAT, ['b', 's', KV_HEADS * HEAD_DIM]],
        ['past_k', FLOAT, cache('p')],
        ['past_v', FLOAT, cache('p')],
        ['seqlens', INT32, ['b']],
        ['total', INT32, []],
        ...(isOurs ? own : []),
      ],
      outputs,
    },
    attributes: { num_heads: HEADS, kv_num_heads: KV_HEADS },
  });
}

function attentionFeeds(length: number): Record<string, Tensor> {
  const empty = Tensor.fromArray('float32', new Float32Array(0), [1, KV_HEADS, 0, HEAD_DIM]);
  return {
    q: randomTensor('q', [1, length, HEADS * HEAD_DIM]),
    k: randomTensor('k', [1, length, KV_HEADS * HEAD_DIM]),
    v: randomTensor('v', [1, length, KV_HEADS * HEAD_DIM]),
    past_k: empty,
    past_v: empty,
    seqlens: Tensor.fromArray('int32', Int32Array.of(length - 1), [1]),
    total: Tensor.fromArray('int32', Int32Array.of(length), []),
  };
}

function sgemmModel(): Uint8Array {
  const square: (number | string)[] = [SGEMM_SIZE, SGEMM_SIZE];
  return oneNodeModel({
    opType: 'MatMul',
    domain: '',
    inputs: ['a', 'b'],
    outputs: ['c'],
    ports: {
      inputs: [
        ['a', FLOAT, square],
        ['b', FLOAT, square],
      ],
      outputs: [['c', FLOAT, square]],
    },
  });
}

function matMulRun(session: Session): () => Promise<Record<string, Tensor>> {
  const a = randomTensor('a', [SGEMM_SIZE, SGEMM_SIZE]);
  const b = randomTensor('b', [SGEMM_SIZE, SGEMM_SIZE]);
  return () => session.run({ a, b }, { c: 'host' });
}

function randomTensor(name: string, shape: number[]): Tensor {
  const random = createRandom(0, 'bench', name);
  const data = Float32Array.from({ length: shape.reduce((x, y) => x * y) }, () => 2 * random.float() - 1);
  return Tensor.fromArray('float32', data, shape);
}
