import type { AttentionLayer } from '../onnx/types.js';
import type { Tensor } from '../runtime/tensor.js';
import type { HostData } from '../runtime/types.js';
import type { DecoderParts } from './decoder-parts.js';

interface LayerCache {
  key: Tensor;
  value: Tensor;
}

const BYTES = { float32: 4, float16: 2, bfloat16: 2 } as const;
/** Spare rows when a full cache grows during decoding. */
const GROWTH_ROWS = 256;

/** Bytes of keys and values for `rows` tokens over all layers. */
export function kvCacheBytes(parts: Pick<DecoderParts, 'layers' | 'io'>, rows: number): number {
  const perRow = parts.layers.reduce((sum, layer) => sum + 2 * layer.numKvHeads * layer.headDim, 0);
  return perRow * rows * BYTES[parts.io.kvDtype];
}

/**
 * Keys and values of the tokens so far, on the session's device.
 *
 * Where the graph allows it (`sharedKvCache`), past and present are one buffer [1, kv_heads, capacity, head_dim] per
 * layer that is allocated once; else each run returns a longer present, which becomes the next past without a copy.
 */
export class KvCache implements Disposable {
  /** Tokens in the cache. */
  length = 0;
  /** Tokens it can hold; Infinity when it grows by itself. */
  capacity: number;
  readonly shared: boolean;
  readonly #parts: DecoderParts;
  #layers: LayerCache[];
  /** A fork does not free the tensors of the cache that it continues. */
  #borrowed: boolean;

  private constructor(parts: DecoderParts, capacity: number, layers: LayerCache[], borrowed: boolean) {
    this.#parts = parts;
    this.shared = parts.sharedKvCache;
    this.capacity = capacity;
    this.#layers = layers;
    this.#borrowed = borrowed;
  }

  /** An empty cache for `capacity` tokens. */
  static allocate(parts: DecoderParts, capacity: number): KvCache {
    const rows = parts.sharedKvCache ? capacity : 0;
    const layers = parts.layers.map((layer) => allocateLayer(parts, layer, rows));
    return new KvCache(parts, parts.sharedKvCache ? capacity : Infinity, layers, false);
  }

  /**
   * A cache that goes on from here and leaves this one as it is, for several answers to one prompt. A shared buffer's
   * rows after `length` are overwritten, so two forks must not run in turns.
   */
  fork(): KvCache {
    const fork = new KvCache(this.#parts, this.capacity, [...this.#layers], true);
    fork.length = this.length;
    return fork;
  }

  /** The past of every layer by input name. */
  feeds(): Record<string, Tensor> {
    return this.#named((layer) => [layer.pastKey, layer.pastValue]);
  }

  /** Where the presents go: into the same buffers, or to new tensors on the device. */
  fetches(): Record<string, Tensor | 'device'> {
    const names = this.#named((layer) => [layer.presentKey, layer.presentValue]);
    return this.shared ? names : Object.fromEntries(Object.keys(names).map((name) => [name, 'device']));
  }

  /** After a run: `rows` more tokens are in the presents of `outputs`. */
  advance(outputs: Record<string, Tensor>, rows: number): void {
    this.length += rows;
    if (this.shared) return;
    const previous = this.#layers;
    this.#layers = this.#parts.layers.map((layer) => ({
      key: outputs[layer.presentKey]!,
      value: outputs[layer.presentValue]!,
    }));
    this.#free(previous);
    this.#borrowed = false;
  }

  /** Makes room for `rows` more tokens; copies the cache when it was too small. */
  async reserve(rows: number): Promise<void> {
    const needed = this.length + rows;
    if (needed <= this.capacity) return;
    const capacity = needed + GROWTH_ROWS;
    const previous = this.#layers;
    const grown: LayerCache[] = [];
    for (const [index, layer] of this.#parts.layers.entries()) {
      const next = allocateLayer(this.#parts, layer, capacity);
      await copyRows(previous[index]!.key, next.key, this.length);
      await copyRows(previous[index]!.value, next.value, this.length);
      grown.push(next);
    }
    this.#layers = grown;
    this.capacity = capacity;
    this.#free(previous);
    this.#borrowed = false;
  }

  dispose(): void {
    this.#free(this.#layers);
    this.#layers = [];
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #named(names: (layer: AttentionLayer) => [string, string]): Record<string, Tensor> {
    return Object.fromEntries(
      this.#parts.layers.flatMap((layer, index) => {
        const [key, value] = names(layer);
        const tensors = this.#layers[index];
        if (tensors === undefined) throw new Error('expected a KV cache in use, found a disposed one');
        return [
          [key, tensors.key],
          [value, tensors.value],
        ];
      }),
    );
  }

  #free(layers: readonly LayerCache[]): void {
    if (this.#borrowed) return;
    for (const { key, value } of layers) {
      key.dispose();
      value.dispose();
    }
  }
}

function allocateLayer({ session, io }: DecoderParts, layer: AttentionLayer, rows: number): LayerCache {
  const shape = [1, layer.numKvHeads, rows, layer.headDim];
  return { key: session.allocate(io.kvDtype, shape), value: session.allocate(io.kvDtype, shape) };
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
