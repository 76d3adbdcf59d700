import type { DecoderShape } from './shape.js';

/** RoPE's inverse frequencies, rounded to float32 as every exporter stores them: theta^(−2i / rotaryDim). */
export function inverseFrequencies({
  ropeTheta,
  rotaryDim,
}: Pick<DecoderShape, 'ropeTheta' | 'rotaryDim'>): Float32Array {
  return Float32Array.from({ length: rotaryDim / 2 }, (_, index) => ropeTheta ** ((-2 * index) / rotaryDim));
}

/** cos and sin of position · frequency, [positions, rotaryDim / 2] each; angles and functions in float64. */
export function rotaryTables(
  shape: Pick<DecoderShape, 'ropeTheta' | 'rotaryDim'>,
  positions: readonly number[],
): { cos: Float32Array; sin: Float32Array } {
  const frequencies = inverseFrequencies(shape);
  const cos = new Float32Array(positions.length * frequencies.length);
  const sin = new Float32Array(cos.length);
  let at = 0;
  for (const position of positions) {
    for (const frequency of frequencies) {
      cos[at] = Math.cos(position * frequency);
      sin[at] = Math.sin(position * frequency);
      at++;
    }
  }
  return { cos, sin };
}
