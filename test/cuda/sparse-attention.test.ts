import { expect, test } from 'vitest';
import { expectClose } from '../kernels/expect-close.js';
import { describeCuda } from './helpers/cuda.js';
import type { FloatType } from './helpers/half.js';
import { type OpCase, runOp } from './helpers/op-run.js';

const FORCE = 1;
const mixed = [
  [0, 0, 0, FORCE],
  [1, 16, 70, FORCE],
  [2, 40, 120, FORCE],
  [3, 3, 0, FORCE],
];

/** Rounding of the operands of the second product, and of the output. */
const TOLERANCE: Record<FloatType, { atol: number; rtol: number; cosine: number }> = {
  float32: { atol: 4e-3, rtol: 1e-2, cosine: 1e-5 },
  float16: { atol: 4e-3, rtol: 1e-2, cosine: 1e-5 },
  bfloat16: { atol: 3e-2, rtol: 5e-2, cosine: 3e-4 },
};
const LSE = { atol: 3e-2, rtol: 3e-3, cosine: 1e-5 };

async function expectSame(kase: OpCase, dtype: FloatType = 'float16'): Promise<void> {
  const [cuda, reference] = [await runOp(kase, dtype, 'cuda'), await runOp(kase, dtype, 'reference')];
  expectClose(cuda.presentKey, reference.presentKey, TOLERANCE[dtype]);
  expectClose(cuda.presentValue, reference.presentValue, { atol: 0, rtol: 0 });
  expectClose(cuda.lse, reference.lse, LSE);
  expectClose(cuda.output, reference.output, TOLERANCE[dtype]);
}

describeCuda('SparseAttention on the GPU equals the reference', () => {
  test.each([1, 63, 65, 129, 592, 1521])('all kinds mixed, %i rows', (rows) => expectSame({ rows, patterns: mixed }));

  test.each(['float16', 'bfloat16', 'float32'] as const)('%s with rotary embedding and a past', (dtype) =>
    expectSame({ rows: 140, past: 90, rotary: 64, patterns: mixed }, dtype),
  );

  test.each([64, 96, 128, 256])('head size %i, packed, half of it rotated', (headDim) =>
    expectSame({ rows: 200, headDim, packed: true, rotary: headDim / 2, patterns: mixed }),
  );

  test.each([
    [4, 4],
    [8, 2],
    [8, 1],
    [32, 1],
  ])('%i heads over %i KV heads', (heads, kvHeads) => expectSame({ rows: 150, heads, kvHeads, patterns: mixed }));

  test.each([
    ['interleaved rotary embedding', { rows: 70, rotary: 64, interleaved: true }],
    ['one row after a past', { rows: 1, past: 700, rotary: 64 }],
    ['a few rows after a past', { rows: 7, past: 333, rotary: 64 }],
    ['a cache in one buffer', { rows: 80, past: 50, sharedSpare: 40, rotary: 64 }],
    ['one row in a cache of one buffer', { rows: 1, past: 1000, sharedSpare: 40, rotary: 64 }],
    ['batch entries of different lengths', { rows: 150, lengths: [150, 1, 64, 99] }],
    ['softcap', { rows: 150, attributes: { softcap: { float: 5 } } }],
    ['scale', { rows: 150, attributes: { scale: { float: 0.2 } } }],
    ['sliding window', { rows: 300, attributes: { local_window_size: 50 } }],
    ['sinks', { rows: 150, sinks: true }],
    ['sinks in bfloat16', { rows: 150, sinks: true }, 'bfloat16'],
  ] as [string, OpCase, FloatType?][])('%s', (_, kase, dtype) => expectSame({ patterns: mixed, ...kase }, dtype));

  test('every run gives the same bits', async () => {
    const kase = { rows: 1000, patterns: mixed, rotary: 64 };
    const [first, second] = [await runOp(kase, 'float16', 'cuda'), await runOp(kase, 'float16', 'cuda')];
    expect(second.output).toEqual(first.output);
    expect(second.lse).toEqual(first.lse);
  });

  test('wrong inputs are refused with what was expected and found', async () => {
    const bad = { rows: 20, patterns: [[99, 0, 0, 0]] };
    await expect(runOp(bad, 'float16', 'cuda')).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: expect.stringContaining('SparseAttention: expected head_patterns rows'),
    });
  });
});
