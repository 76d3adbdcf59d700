/** Cosines and sines of every position, [positions, width / 2] each. */
export interface Angles {
  cos: Float32Array;
  sin: Float32Array;
  /** Elements of a head that are rotated. */
  width: number;
}

/** Rotary embedding of one head at one position in place: element i turns with element i + width / 2. */
export function rotate(head: Float32Array, position: number, { cos, sin, width }: Angles): void {
  const half = width / 2;
  for (let i = 0; i < half; i++) {
    const [a, b] = [head[i]!, head[i + half]!];
    const [c, s] = [cos[position * half + i]!, sin[position * half + i]!];
    head[i] = a * c - b * s;
    head[i + half] = b * c + a * s;
  }
}
