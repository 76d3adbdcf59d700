import { expect, test } from 'vitest';
import type { CarriedState } from '../../src/onnx/types.js';
import { availableMemory } from '../../src/prefill/available-memory.js';
import type { DecoderParts } from '../../src/prefill/decoder-parts.js';
import { estimateMemory } from '../../src/prefill/memory-estimate.js';
import { planMemory } from '../../src/prefill/memory-guard.js';
import { peakMemoryBytes, resetPeakMemory } from '../../src/prefill/peak-memory.js';

const GIB = 2 ** 30;

/** Keys and values of 8 layers. */
function caches(keeps: CarriedState['keeps'], window: number | null = null): CarriedState[] {
  const state = { input: 'past', output: 'present', elementType: 1, shape: [1, 2, null, 64], keeps, window };
  return Array.from({ length: 16 }, () => state);
}

function fakeParts(overrides: Partial<DecoderParts> = {}): DecoderParts {
  return {
    directory: { config: { hiddenSize: 512, intermediateSize: 1536, numHeads: 8, headDim: 64, vocabSize: 8192 } },
    graph: 'prefill',
    io: { kvDtype: 'float32', logitsRows: 'last' },
    layers: Array.from({ length: 8 }, () => ({
      numHeads: 8,
      numKvHeads: 2,
      headDim: 64,
      source: 'GroupQueryAttention',
    })),
    leftAlone: [],
    states: caches('buffer'),
    logits: 'last',
    ...overrides,
  } as unknown as DecoderParts;
}

test('the KV cache is counted exactly, twice where it is not shared', () => {
  const bytes = 8 * 2 * 2 * 64 * 4 * 1000;
  expect(estimateMemory(fakeParts(), 1000, 10).kvCacheBytes).toBe(bytes);
  expect(estimateMemory(fakeParts({ states: caches('grown') }), 1000, 10).kvCacheBytes).toBe(2 * bytes);
  expect(estimateMemory(fakeParts({ states: caches('grown', 100) }), 1000, 10).kvCacheBytes).toBe((2 * bytes) / 10);
  const recurrent = { ...caches('fixed')[0]!, elementType: 10, shape: [1, 4, 16, 32] };
  const both = fakeParts({ states: [...caches('buffer'), recurrent] });
  expect(estimateMemory(both, 1000, 10).kvCacheBytes).toBe(bytes + 2 * 4 * 16 * 32 * 2);
});

test('plain ONNX Runtime needs memory for all scores of decomposed attention', () => {
  const layers = fakeParts().layers.map((layer) => ({ ...layer, source: 'decomposed' as const }));
  const activations = (graph: 'prefill' | 'original') =>
    estimateMemory(fakeParts({ graph, layers }), 16384, 16384).activationBytes;
  expect(activations('original') - activations('prefill')).toBeGreaterThan(2 * 8 * 16384 * 16384 * 4);
});

test('layers that were left alone need memory for their scores in every graph', () => {
  const leftAlone = [{ layer: 8, node: 'Softmax', opType: 'Softmax', reason: '', numHeads: 8 }];
  const activations = (parts: DecoderParts) => estimateMemory(parts, 16384, 16384).activationBytes;
  expect(activations(fakeParts({ leftAlone })) - activations(fakeParts())).toBeGreaterThan(2 * 8 * 16384 * 16384 * 4);
});

test('scoring all positions takes the logits of some rows, where the LM head could be moved into steps', () => {
  const scoring = (logitsRows: 'steps' | 'all', rows: number) =>
    estimateMemory(fakeParts({ graph: 'likelihood', io: { ...fakeParts().io, logitsRows } }), 100_000, rows)
      .activationBytes;
  const plain = (rows: number) => estimateMemory(fakeParts(), 100_000, rows).activationBytes;
  const steps = scoring('steps', 100_000) - plain(100_000);
  expect(steps).toBeGreaterThan(3 * 2 ** 24 * 4);
  expect(steps).toBe(scoring('steps', 10_000) - plain(10_000));
  expect(scoring('all', 100_000) - scoring('steps', 100_000)).toBeGreaterThan(100_000 * 8192 * 4);
});

test('the whole prompt when it fits, then 32,768, then less', () => {
  const plan = (availableBytes: number) =>
    planMemory(fakeParts(), { prompt: 131_072, capacity: 131_072, availableBytes }).chunk;
  const cache = estimateMemory(fakeParts(), 131_072, 1).kvCacheBytes;
  const activations = (rows: number) => estimateMemory(fakeParts(), 131_072, rows).activationBytes;
  expect(plan(64 * GIB)).toBe(131_072);
  expect(plan((cache + activations(32_768)) / 0.9 + 1)).toBe(32_768);
  expect(plan((cache + activations(16_384)) / 0.9 + 1)).toBe(16_384);
  expect(plan((cache + activations(512)) / 0.9 + 1)).toBe(512);
  expect(() => plan(cache)).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }));
});

test('a chunk asked for is taken or refused, with numbers', () => {
  const options = { prompt: 100_000, capacity: 100_256, chunk: 50_000 };
  expect(planMemory(fakeParts(), { ...options, availableBytes: 64 * GIB }).chunk).toBe(50_000);
  expect(() => planMemory(fakeParts(), { ...options, availableBytes: GIB })).toThrow(
    expect.objectContaining({
      code: 'OUT_OF_MEMORY',
      message: expect.stringMatching(/100,000 tokens.*MiB for the KV cache.*chunks of 50,000, found 1 GiB available/),
      hint: expect.stringMatching(/smaller --chunk/),
    }),
  );
});

test('memory that the session already holds is not counted again', () => {
  const { kvCacheBytes, activationBytes } = estimateMemory(fakeParts(), 8192, 8192);
  const options = { prompt: 8192, capacity: 8192, availableBytes: (kvCacheBytes + activationBytes / 8) / 0.9 };
  expect(planMemory(fakeParts(), options).chunk).toBeLessThan(8192);
  expect(planMemory(fakeParts(), { ...options, reusableBytes: activationBytes }).chunk).toBe(8192);
});

test('what the machine says', async () => {
  const available = await availableMemory();
  expect(available).toBeGreaterThan(64 * 2 ** 20);
  expect(available).toBeLessThan(2 ** 50);
});

test('the peak rises with an allocation and is at least what is resident', () => {
  const before = peakMemoryBytes();
  const block = Buffer.alloc(300 * 2 ** 20, 1);
  expect(peakMemoryBytes() - before).toBeGreaterThan(100 * 2 ** 20);
  resetPeakMemory();
  expect(peakMemoryBytes()).toBeGreaterThan(block.length);
});
