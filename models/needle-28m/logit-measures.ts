import { argmax } from '../plain-decoder.js';

/** log of the sum of exponentials of a row. */
function logSumExp(row: Float32Array): number {
  let top = -Infinity;
  for (const value of row) top = Math.max(top, value);
  let sum = 0;
  for (const value of row) sum += Math.exp(value - top);
  return top + Math.log(sum);
}

/** Mean negative log-likelihood of each next token, in nats; logits are [tokens, vocabulary]. */
export function negativeLogLikelihood(logits: Float32Array, tokens: readonly number[]): number {
  const width = logits.length / tokens.length;
  let sum = 0;
  for (let at = 0; at + 1 < tokens.length; at++) {
    const row = logits.subarray(at * width, (at + 1) * width);
    sum += logSumExp(row) - row[tokens[at + 1]!]!;
  }
  return sum / (tokens.length - 1);
}

/** Distances of two models' logits [rows, vocabulary]: mean KL(reference ‖ other), share of equal top-1, errors. */
export function compareLogits(logits: Float32Array, reference: Float32Array, rows: number) {
  const width = logits.length / rows;
  let kl = 0;
  let same = 0;
  let squares = 0;
  let maxError = 0;
  for (let at = 0; at < rows; at++) {
    const row = logits.subarray(at * width, (at + 1) * width);
    const other = reference.subarray(at * width, (at + 1) * width);
    const rowSum = logSumExp(row);
    const otherSum = logSumExp(other);
    for (let index = 0; index < width; index++) {
      const error = row[index]! - other[index]!;
      squares += error * error;
      maxError = Math.max(maxError, Math.abs(error));
      kl += Math.exp(other[index]! - otherSum) * (other[index]! - otherSum - row[index]! + rowSum);
    }
    if (argmax(row) === argmax(other)) same++;
  }
  return { kl: kl / rows, top1: same / rows, rmsError: Math.sqrt(squares / logits.length), maxError };
}
