import type { Call, Ports } from './attention-ports.js';
import { numbers } from './op-session.js';
import type { Head } from './rival-reference.js';

export const call = (rows: number, past = 0, more: Partial<Call> = {}): Call => ({
  rows,
  past,
  heads: 2,
  kvHeads: 1,
  headDim: 16,
  seed: 'rivals',
  ...more,
});

/** Tiny, odd, past the sizes of blocks, grouped heads, behind a past. */
export const CALLS: Call[] = [
  call(1),
  call(63),
  call(65, 0, { heads: 1 }),
  call(129, 70),
  call(700, 0, { heads: 4, kvHeads: 2 }),
  call(1500, 0, { seed: 'long' }),
  call(333, 901, { heads: 3, kvHeads: 3, headDim: 32 }),
  call(10, 600),
];

/** Queries and keys of every head. */
export function headsOf(ports: Ports, { rows, past, heads, kvHeads, headDim }: Call): Head[] {
  const [q, k, , pastK] = ports.slice(0, 4).map((port) => numbers(port![1])) as number[][];
  return Array.from({ length: heads }, (_, head) => {
    const kv = Math.floor(head / (heads / kvHeads));
    const vector = (data: number[], at: number) => data.slice(at * headDim, (at + 1) * headDim);
    return {
      past,
      q: Array.from({ length: rows }, (_, row) => vector(q!, row * heads + head)),
      k: Array.from({ length: past + rows }, (_, key) =>
        key < past ? vector(pastK!, kv * past + key) : vector(k!, (key - past) * kvHeads + kv),
      ),
    };
  });
}
