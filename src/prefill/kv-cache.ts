import type { CarriedState } from '../onnx/types.js';
import { DTYPES, dtypeFromOnnx } from '../runtime/dtype.js';
import { Tensor } from '../runtime/tensor.js';
import type { HostData } from '../runtime/types.js';
import type { DecoderParts } from './decoder-parts.js';

/** What a state holds between two runs. */
interface Held {
  tensor: Tensor;
  /** A fork does not free the tensors of the cache that it continues. */
  owned: boolean;
}

/** Spare rows when a full cache grows during decoding. */
const GROWTH_ROWS = 256;

/** What one state holds of `rows` tokens, in bytes. */
export function stateBytes(state: CarriedState, rows: number): number {
  const own = Math.min(rows, state.window ?? rows);
  const elements = sizeFor(state, own).reduce((product, dim) => product * dim, 1);
  return elements * DTYPES[dtypeFromOnnx(state.elementType, state.input)].bytes;
}

/**
 * What runs hand on, for `rows` tokens, in bytes: buffers once; of all else a run has what it reads and what it writes at
 * the same time.
 */
export function carriedBytes(states: readonly CarriedState[], rows: number): number {
  return states.reduce((sum, state) => {
    const bytes = stateBytes(state, rows);
    return sum + (state.keeps === 'buffer' ? bytes : 2 * bytes);
  }, 0);
}

/**
 * The model's memory of the tokens so far, on the session's device: keys and values, and whatever else the graph carries
 * from run to run (states of convolutions and of linear attention).
 *
 * Where the graph allows it, past and present are one buffer [1, kv_heads, capacity, head_dim] that is allocated once;
 * else what a run returns becomes the next one's input without a copy: longer by the run's tokens, cut to a window, or of
 * a fixed size, as the graph has it.
 */
export class KvCache implements Disposable {
  /** Tokens in the cache. */
  length = 0;
  /** Tokens it can hold; Infinity when it grows by itself. */
  capacity: number;
  /** Tokens it was made for, prompt and answer, however many it holds so far or can. */
  readonly planned: number;
  readonly #parts: Pick<DecoderParts, 'session' | 'states'>;
  /** In the order of the states. */
  #held: Held[];
  /** Fulfilled when no fork writes into this cache's buffers any more. */
  #writable: Promise<void> = Promise.resolve();
  /** Gives the buffers back to the cache that this one continues. */
  #giveBack = () => {};

  private constructor(
    parts: Pick<DecoderParts, 'session' | 'states'>,
    { capacity, planned }: { capacity: number; planned: number },
    held: Held[],
  ) {
    this.#parts = parts;
    this.capacity = capacity;
    this.planned = planned;
    this.#held = held;
  }

  /** An empty cache for `capacity` tokens. */
  static allocate(parts: Pick<DecoderParts, 'session' | 'states'>, capacity: number): KvCache {
    const held = parts.states.map((state) => ({ tensor: firstOf(parts, state, capacity), owned: true }));
    const hasBuffers = parts.states.some(({ keeps }) => keeps === 'buffer');
    return new KvCache(parts, { capacity: hasBuffers ? capacity : Infinity, planned: capacity }, held);
  }

  /**
   * A cache that goes on from here and leaves this one as it is, for several answers to one prompt. Forks write into the
   * same buffers' rows after `length`, so the next one is handed out when the last one is disposed.
   */
  async fork(): Promise<KvCache> {
    const held = this.#held.map(({ tensor }) => ({ tensor, owned: false }));
    const fork = new KvCache(this.#parts, this, held);
    fork.length = this.length;
    if (this.capacity === Infinity) return fork;
    const turn = this.#writable;
    this.#writable = new Promise((resolve) => {
      fork.#giveBack = resolve;
    });
    await turn;
    return fork;
  }

  /** What the next run reads, by input name. */
  feeds(): Record<string, Tensor> {
    return Object.fromEntries(this.#parts.states.map(({ input }, index) => [input, this.#tensor(index)]));
  }

  /** Where a run writes: into the same buffers, or to new tensors on the device. */
  fetches(): Record<string, Tensor | 'device'> {
    return Object.fromEntries(
      this.#parts.states.map(({ output, keeps }, index) => [
        output,
        keeps === 'buffer' ? this.#tensor(index) : ('device' as const),
      ]),
    );
  }

  /** After a run: `rows` more tokens are in what it returned. */
  advance(outputs: Record<string, Tensor>, rows: number): void {
    this.length += rows;
    for (const [index, { output, keeps }] of this.#parts.states.entries()) {
      if (keeps !== 'buffer') this.#replace(index, outputs[output]!);
    }
  }

  /** Makes room for `rows` more tokens; copies the buffers when they were too small. */
  async reserve(rows: number): Promise<void> {
    const needed = this.length + rows;
    if (needed <= this.capacity) return;
    const capacity = needed + GROWTH_ROWS;
    for (const [index, state] of this.#parts.states.entries()) {
      if (state.keeps !== 'buffer') continue;
      const grown = firstOf(this.#parts, state, capacity);
      await copyRows(this.#tensor(index), grown, this.length);
      this.#replace(index, grown);
    }
    this.capacity = capacity;
  }

  dispose(): void {
    for (const { tensor, owned } of this.#held) if (owned) tensor.dispose();
    this.#held = [];
    this.#giveBack();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #tensor(index: number): Tensor {
    const held = this.#held[index];
    if (held === undefined) throw new Error('expected a KV cache in use, found a disposed one');
    return held.tensor;
  }

  #replace(index: number, tensor: Tensor): void {
    const previous = this.#held[index]!;
    this.#held[index] = { tensor, owned: true };
    if (previous.owned) previous.tensor.dispose();
  }
}

/** The same states without buffers: every run returns new tensors. */
export const asGrown = (states: readonly CarriedState[]): CarriedState[] =>
  states.map((state) => (state.keeps === 'buffer' ? { ...state, keeps: 'grown' } : state));

const sizeFor = ({ shape }: CarriedState, rows: number): number[] => shape.map((dim) => dim ?? rows);

/** What a state is before the first run: an empty buffer, no rows, or zeros. */
function firstOf({ session }: Pick<DecoderParts, 'session'>, state: CarriedState, capacity: number): Tensor {
  const dtype = dtypeFromOnnx(state.elementType, state.input);
  if (state.keeps !== 'fixed') return session.allocate(dtype, sizeFor(state, state.keeps === 'buffer' ? capacity : 0));
  const shape = sizeFor(state, 0);
  const { array, bytes } = DTYPES[dtype];
  // The runtime brings it to the device with the first run.
  const elements = shape.reduce((product, dim) => product * dim, 1);
  return Tensor.fromArray(dtype, new array(new ArrayBuffer(elements * bytes)), shape);
}

/** Copies the first `rows` rows of every head between buffers [1, heads, capacity, head_dim] of different capacity. */
async function copyRows(from: Tensor, to: Tensor, rows: number): Promise<void> {
  const [, heads = 0, fromCapacity = 0, headDim = 0] = from.shape;
  const toCapacity = to.shape[2] ?? 0;
  const source: HostData = from.location === 'host' ? from.data() : await from.toHost();
  for (let head = 0; head < heads; head++) {
    const start = head * fromCapacity * headDim;
    await to.write(source.subarray(start, start + rows * headDim), head * toCapacity * headDim);
  }
}
