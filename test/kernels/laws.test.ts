import { Float16Array } from '@petamoriken/float16';
import { describe, expect, test } from 'vitest';
import { Tensor } from '../../src/runtime/tensor.js';
import { attentionPorts, type Ports, sliceRows } from './attention-ports.js';
import { expectClose } from './expect-close.js';
import { int32, numbers, randomTensor, runOp } from './op-session.js';

const FORCE = 1;
const HEADS = 4;
const dense = [0, 0, 0, FORCE];
const aShape = [1, 20, 70, FORCE];
const OUTPUTS = [
  ['o', 'float32'],
  ['present_k', 'float32'],
  ['present_v', 'float32'],
] as const;

const patternPort = (patterns: number[][]) =>
  [
    'patterns',
    int32(Array.from({ length: HEADS }, (_, head) => patterns[head % patterns.length]!).flat(), [HEADS, 4]),
  ] as const;

function run(ports: Ports, patterns: number[][], into: Record<string, Tensor> = {}) {
  return runOp({
    op: 'SparseAttention',
    attributes: { num_heads: HEADS, kv_num_heads: 2 },
    inputs: [...ports, ...Array<null>(5).fill(null), patternPort(patterns)],
    outputs: OUTPUTS,
    into,
  });
}

test('what comes after a row never changes it', async () => {
  const [rows, cut] = [200, 131];
  const ports = attentionPorts({ rows, heads: HEADS });
  const changed = ports.map((port) => {
    const [name, tensor] = port!;
    if (name !== 'k' && name !== 'v') return port;
    const data = (tensor.data() as Float32Array).slice();
    data.fill(1e3, cut * tensor.shape[2]!);
    return [name, Tensor.fromArray('float32', data, tensor.shape)] as const;
  });
  const [before, after] = [await run(ports, [dense, aShape]), await run(changed, [dense, aShape])];
  const width = before.o!.shape[2]!;
  expect(numbers(after.o!).slice(0, cut * width)).toEqual(numbers(before.o!).slice(0, cut * width));
  expect(numbers(after.o!).slice(cut * width)).not.toEqual(numbers(before.o!).slice(cut * width));
});

// Elsewhere the blocks of 64 rows begin at other positions, and A-shape's tiles hold other keys beyond its window.
test.each([
  [1, [dense]],
  [100, [dense]],
  [199, [dense]],
  [64, [dense, aShape]],
  [128, [dense, aShape]],
])('a prompt in two chunks, cut at %i, is the prompt in one', async (cut, patterns) => {
  const rows = 200;
  const ports = attentionPorts({ rows, heads: HEADS });
  const whole = await run(ports, patterns);
  const chunk = (begin: number, end: number, past: [Tensor, Tensor]): Ports => [
    ...ports.slice(0, 3).map((port) => [port![0], sliceRows(port![1], begin, end)] as const),
    ['past_k', past[0]],
    ['past_v', past[1]],
    ['seqlens', int32([end - 1])],
    ['total', int32([end], [])],
  ];
  const first = await run(chunk(0, cut, [ports[3]![1], ports[4]![1]]), patterns);
  const second = await run(chunk(cut, rows, [first.present_k!, first.present_v!]), patterns);
  const joined = Float32Array.from([...numbers(first.o!), ...numbers(second.o!)]);
  expectClose(joined, whole.o!.data() as Float32Array);
  expect(numbers(second.present_k!)).toEqual(numbers(whole.present_k!));
  expect(numbers(second.present_v!)).toEqual(numbers(whole.present_v!));
});

test('a past that is also the present gets the new rows and keeps the others', async () => {
  const [rows, past, capacity, headDim] = [50, 70, 160, 32];
  const separate = await run(attentionPorts({ rows, past, heads: HEADS }), [dense, aShape]);
  const ports = attentionPorts({ rows, past, heads: HEADS });
  const roomy = (name: 'past_k' | 'past_v') => {
    const data = new Float32Array(2 * capacity * headDim).fill(7);
    const source = numbers(ports.find((port) => port![0] === name)![1]);
    for (let head = 0; head < 2; head++) {
      const own = source.slice(head * past * headDim, (head + 1) * past * headDim);
      data.set(own, head * capacity * headDim);
    }
    return Tensor.fromArray('float32', data, [1, 2, capacity, headDim]);
  };
  const [keys, values] = [roomy('past_k'), roomy('past_v')];
  const shared = ports.map((port) =>
    port![0] === 'past_k' ? (['past_k', keys] as const) : port![0] === 'past_v' ? (['past_v', values] as const) : port,
  );
  const { o } = await run(shared, [dense, aShape], { present_k: keys, present_v: values });
  expect(numbers(o!)).toEqual(numbers(separate.o!));
  for (const [buffer, expected] of [
    [keys, separate.present_k!],
    [values, separate.present_v!],
  ] as const) {
    for (let head = 0; head < 2; head++) {
      const own = numbers(buffer).slice(head * capacity * headDim, (head + 1) * capacity * headDim);
      const total = (past + rows) * headDim;
      expect(own.slice(0, total)).toEqual(numbers(expected).slice(head * total, (head + 1) * total));
      expect(new Set(own.slice(total))).toEqual(new Set([7]));
    }
  }
});

test('float16 is float32 arithmetic between rounded inputs and a rounded output', async () => {
  const ports = attentionPorts({ rows: 150, past: 40, heads: HEADS });
  const patterns = [dense, aShape, [2, 40, 120, FORCE], [3, 2, 0, FORCE]];
  const isFloat = (tensor: Tensor) => tensor.dtype === 'float32';
  const half = (tensor: Tensor) => new Float16Array(tensor.data() as Float32Array);
  const halves: Ports = ports.map((port) => {
    const [name, tensor] = port!;
    if (!isFloat(tensor)) return port;
    return [name, Tensor.fromArray('float16', new Uint16Array(half(tensor).buffer), tensor.shape)] as const;
  });
  const rounded: Ports = ports.map((port) => {
    const [name, tensor] = port!;
    return isFloat(tensor)
      ? ([name, Tensor.fromArray('float32', Float32Array.from(half(tensor)), tensor.shape)] as const)
      : port;
  });
  const results = await runOp({
    op: 'SparseAttention',
    attributes: { num_heads: HEADS, kv_num_heads: 2 },
    inputs: [...halves, ...Array<null>(5).fill(null), patternPort(patterns)],
    outputs: OUTPUTS.map(([name]) => [name, 'float16'] as const),
  });
  const expected = await run(rounded, patterns);
  const found = Float32Array.from(new Float16Array((results.o!.data() as Uint16Array).slice().buffer));
  // Half of the last of 11 bits, and a little for values that lie between two halves.
  expectClose(found, expected.o!.data() as Float32Array, { atol: 1e-4, rtol: 2 ** -11 * 1.1 });
});

describe('prompts beyond 65,535 rows', () => {
  const [rows, headDim] = [70_001, 16];
  const ports: Ports = [
    ['q', randomTensor('long', 'q', [1, rows, headDim])],
    ['k', randomTensor('long', 'k', [1, rows, headDim])],
    ['v', randomTensor('long', 'v', [1, rows, headDim])],
    null,
    null,
    ['seqlens', int32([rows - 1])],
    ['total', int32([rows], [])],
  ];

  test('A-shape rows are softmax over sink and window', async () => {
    const [sink, window] = [64, 128];
    const { o } = await runOp({
      op: 'SparseAttention',
      attributes: { num_heads: 1, kv_num_heads: 1 },
      inputs: [...ports, ...Array<null>(5).fill(null), ['patterns', int32([1, sink, window, FORCE], [1, 4])]],
      outputs: OUTPUTS,
    });
    const [q, k, v] = ports.slice(0, 3).map((port) => port![1].data() as Float32Array);
    const output = o!.data() as Float32Array;
    for (const row of [65_535, 65_536, 66_000, 70_000]) {
      // Ranges are rounded outward to 16 keys from the first row of the block.
      const begin = Math.floor((Math.floor(row / 64) * 64 - window + 1) / 16) * 16;
      const keys = [...Array(sink).keys(), ...Array.from({ length: row - begin + 1 }, (_, i) => begin + i)];
      const weights = keys.map((key) => {
        let dot = 0;
        for (let i = 0; i < headDim; i++) dot += q![row * headDim + i]! * k![key * headDim + i]!;
        return Math.exp(dot / Math.sqrt(headDim));
      });
      const sum = weights.reduce((a, b) => a + b);
      for (let i = 0; i < headDim; i++) {
        const expected = keys.reduce((total, key, at) => total + (weights[at]! / sum) * v![key * headDim + i]!, 0);
        expect(output[row * headDim + i]).toBeCloseTo(expected, 4);
      }
    }
  });

  test.each([
    ['vertical-slash', [2, 100, 128, FORCE]],
    ['block-sparse', [3, 3, 0, FORCE]],
  ])('%s runs in linear memory', async (_, pattern) => {
    const before = process.memoryUsage.rss();
    const { o } = await runOp({
      op: 'SparseAttention',
      attributes: { num_heads: 1, kv_num_heads: 1 },
      inputs: [...ports, ...Array<null>(5).fill(null), ['patterns', int32(pattern, [1, 4])]],
      outputs: OUTPUTS,
    });
    expect((o!.data() as Float32Array).every(Number.isFinite)).toBe(true);
    // A matrix of rows × rows would take 20 GB.
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 2 ** 20);
  });
});
