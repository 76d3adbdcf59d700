import { Float16Array } from '@petamoriken/float16';
import { MinferenceError } from '../errors.js';
import type { Tensor } from '../runtime/tensor.js';
import type { HostData } from '../runtime/types.js';

/** Rows of logits as float32. */
export interface LogitRows {
  /** [rows, vocabulary] */
  data: Float32Array;
  rows: number;
}

/** Copies a logits output [1, rows, vocabulary] of any float type: all its rows, or the last one. */
export async function readLogits(tensor: Tensor, wanted: 'last' | 'all'): Promise<LogitRows> {
  const vocabulary = tensor.shape.at(-1)!;
  const data = tensor.location === 'host' ? tensor.data() : await tensor.toHost();
  const part = wanted === 'last' ? data.subarray(data.length - vocabulary) : data;
  return { data: toFloat32(part, tensor.dtype), rows: part.length / vocabulary };
}

/** A copy of the last row. */
export function lastRow({ data, rows }: LogitRows): Float32Array {
  return data.slice(data.length - data.length / rows);
}

/**
 * Refuses logits that choose no token: NaN somewhere, or +∞. −∞ is a token that is masked.
 *
 * @throws {MinferenceError} RUNTIME_FAILED
 */
export function checkLogits(logits: Float32Array): void {
  // NaN and +∞ are not below +∞.
  const index = logits.findIndex((logit) => !(logit < Number.POSITIVE_INFINITY));
  if (index < 0) return;
  throw new MinferenceError(
    'RUNTIME_FAILED',
    `expected finite logits at the last position, found ${logits[index]} (token ${index})`,
    {
      hint:
        'activations overflow in this variant of the model on this prompt: use another one (--variant), such as fp32; ' +
        '--patterns dense shows whether the patterns matter',
    },
  );
}

/** Index of the largest logit; the lower one of equals. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let index = 1; index < logits.length; index++) if (logits[index]! > logits[best]!) best = index;
  return best;
}

/** Natural logarithm of the softmax, in double precision. */
export function logSoftmax(logits: Float32Array): Float64Array {
  const max = logits[argmax(logits)]!;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - max);
  const logSum = max + Math.log(sum);
  return Float64Array.from(logits, (logit) => logit - logSum);
}

/** Kullback–Leibler divergence KL(p ‖ q) in nats of the softmax distributions of two rows of logits. */
export function klDivergence(p: Float32Array, q: Float32Array): number {
  const [logP, logQ] = [logSoftmax(p), logSoftmax(q)];
  let sum = 0;
  for (let index = 0; index < logP.length; index++) {
    const probability = Math.exp(logP[index]!);
    // 0 · log 0 = 0; masked tokens have a logit of −∞ in both.
    if (probability > 0) sum += probability * (logP[index]! - logQ[index]!);
  }
  return Math.max(0, sum);
}

function toFloat32(data: HostData, dtype: Tensor['dtype']): Float32Array {
  if (data instanceof Float32Array) return data.slice();
  if (!(data instanceof Uint16Array)) throw new Error(`expected logits of a float type, found ${dtype}`);
  return dtype === 'bfloat16' ? bfloat16ToFloat32(data) : float16ToFloat32(data);
}

function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let index = 0; index < bits.length; index++) words[index] = bits[index]! << 16;
  return new Float32Array(words.buffer);
}

function float16ToFloat32(bits: Uint16Array): Float32Array {
  return Float32Array.from(new Float16Array(bits.buffer, bits.byteOffset, bits.length));
}
