import { expect } from 'vitest';
import { serializeModel } from '../../../src/onnx/model-file.js';
import { rewriteForPrefill } from '../../../src/onnx/rewrite/rewrite-model.js';
import type { OnnxModel, RewrittenModel } from '../../../src/onnx/types.js';
import { Session } from '../../../src/runtime/session.js';
import { Tensor } from '../../../src/runtime/tensor.js';

export type Outputs = Record<string, Tensor>;

/** Token ids [batch][rows]. */
export type Tokens = readonly (readonly number[])[];

export function someTokens(batch: number, rows: number, vocabulary: number, seed = 1): number[][] {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % vocabulary;
  };
  return Array.from({ length: batch }, () => Array.from({ length: rows }, next));
}

/** One call of a decoder; `before` is what the call before it gave. */
export const runDecoder = async (
  session: Session,
  tokens: Tokens,
  layer: { headDim: number },
  before?: Outputs,
): Promise<Outputs> =>
  session.run(
    decoderFeeds(session, tokens, layer, before),
    Object.fromEntries(session.outputs.map(({ name }) => [name, 'host' as const])),
  );

/** What a call of dense heads is fed with. */
export function decoderFeeds(
  session: Session,
  tokens: Tokens,
  { headDim }: { headDim: number },
  before?: Outputs,
): Record<string, Tensor> {
  const [batch, rows] = [tokens.length, tokens[0]!.length];
  const past = before ? before['present.0.key']!.shape[2]! : 0;
  const int64 = (values: readonly number[], shape: readonly number[]) =>
    Tensor.fromArray('int64', BigInt64Array.from(values, BigInt), shape);
  const feeds: Record<string, Tensor> = {};
  for (const { name, shape, dtype } of session.inputs) {
    if (name === 'input_ids') feeds[name] = int64(tokens.flat(), [batch, rows]);
    if (name === 'attention_mask') {
      feeds[name] = int64(new Array<number>(batch * (past + rows)).fill(1), [batch, past + rows]);
    }
    if (name === 'position_ids') {
      feeds[name] = int64(
        Array.from({ length: batch * rows }, (_, i) => past + (i % rows)),
        [batch, rows],
      );
    }
    if (name.startsWith('past_key_values')) {
      const empty = () => Tensor.allocate(dtype, [batch, Number(shape[1]), 0, headDim]);
      feeds[name] = before?.[name.replace('past_key_values', 'present')] ?? empty();
    }
    if (name.startsWith('minference.patterns')) {
      const heads = Number(shape[0]);
      feeds[name] = Tensor.fromArray('int32', new Int32Array(4 * heads), [heads, 4]);
    }
  }
  return feeds;
}

export function openSession(model: OnnxModel, proto: OnnxModel['proto'], customOps: boolean): Promise<Session> {
  return Session.create({
    model: serializeModel(proto),
    externalDataFolder: model.folder,
    device: 'cpu',
    threads: 1,
    customOps,
  });
}

/** Elements as numbers, float16 widened. */
export function numbers(tensor: Tensor): Float32Array {
  const data = tensor.data();
  if (tensor.dtype !== 'float16') return data as Float32Array;
  return Float32Array.from(data as Uint16Array, (bits) => HALVES[bits]!);
}

/** Every float16, by its bits. */
const HALVES = (() => {
  const table = new Float32Array(1 << 16);
  for (let bits = 0; bits < table.length; bits++) {
    const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
    const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    table[bits] = sign * (exponent === 31 ? (fraction ? Number.NaN : Number.POSITIVE_INFINITY) : magnitude);
  }
  return table;
})();

export function maxDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let max = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    max = Math.max(max, difference);
  }
  return max;
}

/** Rows [batch][vocabulary] of the last position. */
export function lastRows(logits: Tensor): Float32Array {
  const [batch, rows, vocabulary] = logits.shape as [number, number, number];
  const data = numbers(logits);
  const out = new Float32Array(batch * vocabulary);
  for (let b = 0; b < batch; b++) {
    out.set(data.subarray(((b + 1) * rows - 1) * vocabulary, (b + 1) * rows * vocabulary), b * vocabulary);
  }
  return out;
}

/**
 * Runs a prompt, a chunk after it, and a decode step through the original graph under plain ONNX Runtime and through the
 * rewritten ones (all logits, last logits) with dense heads, for batches of 1 and 2, and expects the same logits and
 * caches.
 */
export async function expectEqualToOriginal(
  model: OnnxModel,
  options: { vocabulary: number; tolerance?: number; chunks?: boolean },
): Promise<RewrittenModel> {
  const { vocabulary, tolerance = 1e-4, chunks: takesChunks = true } = options;
  const last = rewriteForPrefill(model);
  using original = await openSession(model, model.proto, false);
  using allRows = await openSession(model, rewriteForPrefill(model, { logits: 'all' }).proto, true);
  using lastRow = await openSession(model, last.proto, true);
  expect(last.io.logitsRows).toBe('last');
  for (const batch of [1, 2]) {
    const states: [Outputs?, Outputs?, Outputs?] = [];
    // ONNX Runtime's GroupQueryAttention takes chunks after a past for one prompt only.
    const isAlone = batch === 1 || last.layers[0]!.source !== 'GroupQueryAttention';
    const chunks = takesChunks && isAlone ? [9] : [];
    for (const [step, rows] of [37, ...chunks, 1].entries()) {
      const tokens = someTokens(batch, rows, vocabulary, step + 1);
      for (const [i, session] of [original, allRows, lastRow].entries()) {
        states[i] = await runDecoder(session, tokens, last.layers[0]!, states[i]);
      }
      const [expected, all, one] = states as [Outputs, Outputs, Outputs];
      const where = `batch ${batch}, step ${step}`;
      expect(expected.logits!.shape).toEqual([batch, rows, vocabulary]);
      expect(Math.max(...numbers(expected.logits!)), where).toBeGreaterThan(0.1);
      expect(maxDifference(numbers(all.logits!), numbers(expected.logits!)), where).toBeLessThan(tolerance);
      expect(one.logits!.shape, where).toEqual([batch, 1, vocabulary]);
      expect(maxDifference(numbers(one.logits!), lastRows(expected.logits!)), where).toBeLessThan(tolerance);
      for (const name of Object.keys(expected).filter((output) => output.startsWith('present'))) {
        expect(maxDifference(numbers(one[name]!), numbers(expected[name]!)), `${where}, ${name}`).toBeLessThan(
          tolerance,
        );
      }
    }
  }
  return last;
}
