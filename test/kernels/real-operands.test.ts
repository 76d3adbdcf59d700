import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LayerReader } from '../../kernels/bench/layer-reader.js';
import { decodeOperands, encodeOperands, type Operands } from '../../kernels/bench/operand-file.js';
import { DEFAULT_LAYER, realPromptsFor, shippedPatterns } from '../../kernels/bench/real-operands.js';
import { loadTokenizer } from '../../src/model/tokenizer.js';
import { buildPrompt } from '../../src/prefill/chat.js';
import { packageRoot } from '../../src/utils/package-root.js';

const SMALL: Operands = {
  rows: 3,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  q: Float32Array.from({ length: 96 }, (_, i) => i / 8 - 6),
  k: Float32Array.from({ length: 48 }, (_, i) => i / 4),
  v: Float32Array.from({ length: 48 }, (_, i) => -i / 16),
};

describe('the file of operands', () => {
  test('is a header and the elements of q, k and v as float16', () => {
    const bytes = Buffer.from(encodeOperands(SMALL));
    expect(bytes.length).toBe(32 + 2 * (96 + 48 + 48));
    expect(bytes.toString('latin1', 0, 8)).toBe('MINFQKV\0');
    expect([8, 12, 16, 20, 24, 28].map((at) => bytes.readUInt32LE(at))).toEqual([1, 1, 3, 4, 2, 8]);
    expect(bytes.readUInt16LE(32)).toBe(0xc600); // -6
    expect(decodeOperands(bytes)).toEqual(SMALL);
  });

  test('rounds to float16, and refuses what that cannot hold', () => {
    const rounded = decodeOperands(encodeOperands({ ...SMALL, v: SMALL.v.map(() => 0.1) }));
    expect(rounded.v[0]).toBe(0.0999755859375);
    const k = SMALL.k.with(5, 70_000);
    expect(() => encodeOperands({ ...SMALL, k })).toThrow("expected k within float16's range, found 70000");
    expect(() => encodeOperands({ ...SMALL, q: SMALL.k })).toThrow('expected 96 elements of q, found 48');
  });

  const changed = (offset: number, value: number) => {
    const bytes = Buffer.from(encodeOperands(SMALL));
    bytes.writeUInt32LE(value, offset);
    return bytes;
  };
  test.each([
    ['an empty file', Buffer.alloc(0), 'expected a header of 32 bytes, found 0 bytes'],
    ['another magic', changed(0, 0x41414141), 'expected the magic "MINFQKV\\u0000", found "AAAAQKV\\u0000"'],
    ['another version', changed(8, 2), 'expected version 1, found 2'],
    ['another dtype', changed(12, 2), 'expected dtype 1 (float16), found 2'],
    ['no rows', changed(16, 0), 'found 0, 4, 2, 8'],
    ['KV heads that do not divide', changed(24, 3), 'found 3, 4, 3, 8'],
    ['too few bytes', changed(16, 4), 'expected 544 bytes for 4 × 4 × 2 × 8, found 416'],
    ['bytes after the end', Buffer.concat([encodeOperands(SMALL), Buffer.alloc(2)]), 'expected 416 bytes'],
  ])('with %s is refused', (_, bytes, message) => {
    expect(() => decodeOperands(bytes)).toThrow(message);
  });
});

describe("a layer's operands", () => {
  let tokens: number[];
  let reader: LayerReader;
  beforeAll(async () => {
    reader = await LayerReader.open(DEFAULT_LAYER);
    const text = await readFile(join(packageRoot(), 'datasets', 'prompts', 'kv-16k.txt'), 'utf8');
    tokens = buildPrompt(await loadTokenizer(reader.directory), text).slice(0, 400);
  });
  afterAll(() => reader?.dispose());

  test('give what its attention op gives', async () => {
    const operands = decodeOperands(encodeOperands(await reader.read(tokens)));
    expect(operands).toMatchObject({ rows: 400, heads: 8, kvHeads: 2, headDim: 64 });
    const expected = await reader.attention(tokens);
    const found = causalAttention(operands);
    expect(found.length).toBe(expected.length);
    expect(relativeError(found, expected)).toBeLessThan(1e-3);
    // The test can tell: keys of the row before are something else.
    const shifted = { ...operands, k: operands.k.map((_, i) => operands.k[Math.max(0, i - operands.headDim)]!) };
    expect(relativeError(causalAttention(shifted), expected)).toBeGreaterThan(0.05);
  });

  test('of a layer that the model does not have are refused', async () => {
    await expect(LayerReader.open(8)).rejects.toThrow('expected a layer from 0 to 7, found 8');
  });

  test('come with the patterns that ship for it', async () => {
    expect(await shippedPatterns(reader)).toMatch(/^([12]:\d+:\d+,){7}[12]:\d+:\d+$/);
  });
});

test('only the prompts of which a row is wanted are made', () => {
  expect(realPromptsFor(/real-16k\/cudnn/)).toEqual(['real-16k']);
  expect(realPromptsFor(/attention/)).toEqual(['real-16k', 'real-32k']);
  expect(realPromptsFor(/vs-128k/)).toEqual([]);
});

/** By the definition, [rows, heads, headDim]. */
function causalAttention({ rows, heads, kvHeads, headDim, q, k, v }: Operands): Float64Array {
  const out = new Float64Array(rows * heads * headDim);
  for (let head = 0; head < heads; head++) {
    const first = Math.floor(head / (heads / kvHeads)) * rows;
    for (let row = 0; row < rows; row++) {
      const query = (row * heads + head) * headDim;
      const scores = Float64Array.from({ length: row + 1 }, (_, key) => {
        let sum = 0;
        for (let i = 0; i < headDim; i++) sum += q[query + i]! * k[(first + key) * headDim + i]!;
        return sum / Math.sqrt(headDim);
      });
      const most = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - most));
      const total = weights.reduce((sum, weight) => sum + weight);
      for (const [key, weight] of weights.entries()) {
        for (let i = 0; i < headDim; i++) out[query + i]! += (weight / total) * v[(first + key) * headDim + i]!;
      }
    }
  }
  return out;
}

function relativeError(found: Float64Array, expected: Float32Array): number {
  let [error, norm] = [0, 0];
  for (const [i, value] of expected.entries()) {
    error += (found[i]! - value) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(error / norm);
}
