import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MethodContext } from '../../src/eval/methods/method-context.js';
import { parseMethods } from '../../src/eval/methods/parse-methods.js';
import { resolveMethods } from '../../src/eval/methods/resolve-methods.js';
import { uniformPattern } from '../../src/eval/methods/uniform-budget.js';
import { aShapeFlops, denseCausalFlops } from '../../src/patterns/flops.js';
import { temporaryFolder } from '../utils/temporary-folder.js';
import { patternFile } from './helpers/pattern-file.js';

const geometry = { blockM: 64, blockN: 64, keyAlign: 16 };
const layers = [
  { numHeads: 2, numKvHeads: 1, headDim: 64 },
  { numHeads: 2, numKvHeads: 1, headDim: 64 },
] as unknown as MethodContext['decoder']['layers'];
const decoder = { fingerprint: 'sha256:x', layers, leftAlone: [], numLayers: 2 };
const context = (patterns = 'auto'): MethodContext => ({ decoder, patterns, ignoreFingerprint: false, geometry });

function write(name: string, fields: Parameters<typeof patternFile>[0] = {}): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, JSON.stringify(patternFile({ layers: 2, ...fields })));
  return path;
}

const resolve = (methods: string | string[], patterns?: string) =>
  resolveMethods(parseMethods(methods), context(patterns));

describe('resolveMethods', () => {
  it('takes the patterns of a file as they are, at every length', async () => {
    const [method] = await resolve('minference', write('p.json'));
    expect(method).toMatchObject({ name: 'minference', file: { name: 'p.json' } });
    const head = { type: 'vertical_slash', vertical: 100, slash: 200 };
    expect(method!.patterns(1024)).toEqual([
      [head, head],
      [head, head],
    ]);
    expect(method!.patterns(99_999)).toEqual(method!.patterns(1024));
    expect(method!.description).toBe('patterns of p.json: answer, 10 % of dense at 8192 tokens');
  });

  it('gives uniform methods the budget of the pattern file', async () => {
    const path = write('p.json');
    const [method] = await resolve('a_shape', path);
    const expected = uniformPattern('a_shape', { length: 8192, fraction: 0.1, headDim: 64, geometry });
    expect(method!.patterns(1024)).toEqual([
      [expected, expected],
      [expected, expected],
    ]);
    expect(method!.patterns(16_384)).toEqual(method!.patterns(1024));
  });

  it('gives them 20 % of dense at every length where there is no pattern file', async () => {
    const [method] = await resolve('a_shape');
    for (const length of [2048, 16_384]) {
      const head = (
        method!.patterns(length) as Exclude<ReturnType<NonNullable<typeof method>['patterns']>, 'dense'>
      )[1]![1]!;
      if (head.type !== 'a_shape') throw new Error(`expected a_shape, found ${head.type}`);
      const share = aShapeFlops(head, length, 64, geometry) / denseCausalFlops(length, 64);
      expect(share).toBeLessThanOrEqual(0.2);
      expect(share).toBeGreaterThan(0.17);
    }
  });

  it('names files without their folders unless that would make two alike', async () => {
    const [first, second, other] = [write('p.json'), write('p.json'), write('q.json')];
    const names = async (methods: string[]) => (await resolve(methods)).map(({ name }) => name);
    expect(await names([`minference:${first}`, `minference:${other}`])).toEqual(['minference:p', 'minference:q']);
    expect(await names([`minference:${first}`, `minference:${second}`])).toEqual([
      `minference:${first}`,
      `minference:${second}`,
    ]);
  });

  it('says what to do when there are no patterns for the model', async () => {
    await expect(resolve('dense,minference')).rejects.toThrow(
      expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('minference search') }),
    );
  });

  it('refuses patterns of another model, and takes them by force when the shapes agree', async () => {
    const path = write('p.json', { fingerprint: 'sha256:other' });
    await expect(resolve('minference', path)).rejects.toThrow(expect.objectContaining({ code: 'PATTERNS_MISMATCH' }));
    const specs = parseMethods('minference');
    await expect(resolveMethods(specs, { ...context(path), ignoreFingerprint: true })).resolves.toHaveLength(1);
    await expect(resolve('minference', write('q.json', { layers: 3 }))).rejects.toThrow(
      expect.objectContaining({ code: 'PATTERNS_MISMATCH' }),
    );
  });
});

describe('uniformPattern', () => {
  it('spends the budget on block-sparse heads as far as whole blocks allow', () => {
    for (const [length, fraction] of [
      [4096, 0.2],
      [16_384, 0.05],
      [1000, 0.5],
    ] as const) {
      const pattern = uniformPattern('block_sparse', { length, fraction, headDim: 64, geometry });
      if (pattern.type !== 'block_sparse') throw new Error(`expected block_sparse, found ${pattern.type}`);
      const rows = Math.ceil(length / 64);
      const cost = (blocks: number) =>
        Array.from({ length: rows }, (_, row) => Math.min(blocks, row + 1)).reduce((sum, kept) => sum + kept, 0) *
        4 *
        64 ** 3;
      const budget = fraction * denseCausalFlops(length, 64);
      expect(cost(pattern.blocks)).toBeLessThanOrEqual(budget);
      expect(cost(pattern.blocks + 1)).toBeGreaterThan(budget);
    }
  });

  it('keeps at least one block', () => {
    const tiny = uniformPattern('block_sparse', { length: 4096, fraction: 1e-9, headDim: 64, geometry });
    expect(tiny).toEqual({ type: 'block_sparse', blocks: 1 });
  });
});
