import { expect, test } from 'vitest';
import { makeIndex } from '../../src/patterns/explicit-index.js';
import type { HeadChoice } from '../../src/patterns/head-choice.js';
import { runPrefill } from '../../src/prefill/prefill.js';
import { lastLogits, maxDifference, openTiny, someTokens, tinyModel } from './helpers.js';

const ROWS = 500;
const tokens = someTokens(ROWS);
const open = async (options: Parameters<typeof openTiny>[1] = {}) =>
  openTiny(await tinyModel({ style: 'genai' }), { indices: true, ...options });
type Parts = Awaited<ReturnType<typeof open>>;
const inAll = ({ layers }: Parts, ...choices: HeadChoice[]) =>
  layers.map(({ numHeads }) => Array.from({ length: numHeads }, (_, head) => choices[head % choices.length]!));

/** Sink of one block and a window of two, block by block. */
const blocky = (length: number) =>
  makeIndex(
    Array.from({ length: Math.ceil(length / 64) }, (_, block) => ({
      ranges:
        block < 2
          ? [[0, length] as const]
          : ([
              [0, 64],
              [64 * (block - 1), 64 * (block + 1)],
            ] as const),
    })),
  );

test('an index of all keys is dense attention, of few it is not, in chunks as in one run', async () => {
  const parts = await open();
  const whole = {
    type: 'explicit',
    index: makeIndex(Array.from({ length: 8 }, () => ({ ranges: [[0, ROWS]] }))),
  } as const;
  const few = { type: 'explicit', index: blocky } as const;
  const dense = await lastLogits(parts, tokens);
  expect(
    maxDifference(await lastLogits(parts, tokens, { patterns: inAll(parts, whole), allowDense: false }), dense),
  ).toBeLessThan(1e-5);
  const sparse = await lastLogits(parts, tokens, { patterns: inAll(parts, few, { type: 'dense' }) });
  expect(maxDifference(sparse, dense)).toBeGreaterThan(1e-4);
  const chunked = await lastLogits(parts, tokens, { patterns: inAll(parts, few, { type: 'dense' }), chunk: 128 });
  expect(maxDifference(chunked, sparse)).toBeLessThan(1e-5);
});

test('indices that a prefill gives compute the same when given back, also to a shorter prompt', async () => {
  const parts = await open();
  const patterns = inAll(
    parts,
    { type: 'a_shape', sink: 30, window: 100 },
    { type: 'vertical_slash', vertical: 40, slash: 120 },
    { type: 'block_sparse', blocks: 3 },
    { type: 'top_k', keys: 90 },
  );
  const { cache, indices, logits } = await runPrefill(parts, tokens, {
    patterns,
    allowDense: false,
    giveIndices: true,
  });
  cache.dispose();
  const given = indices!.map((heads) => heads.map((index): HeadChoice => ({ type: 'explicit', index })));
  const again = await lastLogits(parts, tokens, { patterns: given, allowDense: false });
  expect(maxDifference(again, logits)).toBeLessThan(1e-5);
  const aShape = given.map((heads) => heads.map((_, head) => heads[head - (head % 4)]!));
  const shorter = tokens.slice(0, 300);
  const expected = await lastLogits(parts, shorter, { patterns: inAll(parts, patterns[0]![0]!), allowDense: false });
  const found = await lastLogits(parts, shorter, { patterns: aShape, allowDense: false });
  expect(maxDifference(found, expected)).toBeLessThan(1e-5);
});

test.each<HeadChoice>([
  { type: 'top_k', keys: 80 },
  { type: 'flexprefill', gamma: 0.5, minBudget: 0 },
  { type: 'xattention', threshold: 0.2, stride: 16 },
  { type: 'flashprefill', alpha: 1 },
  { type: 'infllm', blocks: 0, window: 64 },
])('$type works on the plain graph', async (choice) => {
  const parts = await openTiny(await tinyModel({ maxPositions: 2048 }));
  const long = someTokens(2000);
  const { cache, timings } = await runPrefill(parts, long, { patterns: inAll(parts, choice), allowDense: false });
  cache.dispose();
  expect(timings.computed).toBeGreaterThan(0);
  expect(timings.computed).toBeLessThan(1);
});

test('what does not fit is refused', async () => {
  const [parts, plain] = [await open(), await openTiny(await tinyModel())];
  const short = { type: 'explicit', index: makeIndex([{ ranges: [[0, 64]] }]) } as const;
  await expect(runPrefill(parts, tokens, { patterns: inAll(parts, short) })).rejects.toMatchObject({
    code: 'PATTERNS_INVALID',
    message: 'layer 0: expected an explicit index of 8 row blocks for 500 tokens, found 1',
  });
  await expect(
    runPrefill(plain, tokens, { patterns: inAll(plain, { type: 'explicit', index: blocky }) }),
  ).rejects.toMatchObject({
    code: 'USAGE',
    hint: 'Open the decoder with indices: true.',
  });
  await expect(runPrefill(plain, tokens, { patterns: 'dense', giveIndices: true })).rejects.toMatchObject({
    code: 'USAGE',
  });
  await expect(runPrefill(parts, tokens, { patterns: 'dense', giveIndices: true, chunk: 100 })).rejects.toMatchObject({
    code: 'USAGE',
  });
});
