import { MinferenceError } from '../../src/errors.js';
import { resolveModel } from '../../src/model/directory.js';
import type { ModelDirectory } from '../../src/model/model-directory.js';
import { followDataLinks } from '../../src/onnx/data-links.js';
import { fingerprintModel } from '../../src/onnx/fingerprint.js';
import { readOnnxModel, serializeModel } from '../../src/onnx/model-file.js';
import { rewriteForPrefill } from '../../src/onnx/rewrite/rewrite-model.js';
import type { AttentionLayer } from '../../src/onnx/types.js';
import { checkTokens } from '../../src/prefill/check-tokens.js';
import type { DecoderParts } from '../../src/prefill/decoder-parts.js';
import { createFeedMakers } from '../../src/prefill/feeds.js';
import { asGrown, KvCache } from '../../src/prefill/kv-cache.js';
import { patternFeeds } from '../../src/prefill/pattern-feeds.js';
import { Session } from '../../src/runtime/session.js';
import type { Tensor } from '../../src/runtime/tensor.js';
import { cutAtLayer, type LayerGraph } from './layer-graph.js';
import type { Operands } from './operand-file.js';
import { type Angles, rotate } from './rotary.js';

/** Runs the embedded model on the CPU, dense, up to the attention of one layer, and reads what that works on. */
export class LayerReader implements Disposable {
  readonly directory: ModelDirectory;
  readonly layer: AttentionLayer;
  /** All of the model's layers, and its fingerprint: pattern files are checked against them. */
  readonly layers: readonly AttentionLayer[];
  readonly fingerprint: string;
  readonly #parts: DecoderParts;
  readonly #graph: LayerGraph;

  private constructor(parts: DecoderParts, graph: LayerGraph, facts: Pick<LayerReader, 'layer' | 'fingerprint'>) {
    this.#parts = parts;
    this.#graph = graph;
    this.directory = parts.directory;
    this.layers = parts.layers;
    this.layer = facts.layer;
    this.fingerprint = facts.fingerprint;
  }

  /** @throws {MinferenceError} USAGE for a layer that the model does not have; as Decoder.open */
  static async open(index: number): Promise<LayerReader> {
    const directory = await resolveModel(undefined);
    const file = await readOnnxModel(directory.modelPath);
    const fingerprint = fingerprintModel(file, directory.configText);
    const model = rewriteForPrefill(await followDataLinks(file), { logits: 'all' });
    const { io, layers, leftAlone, numLayers, tableSwitch } = model;
    const states = asGrown(model.states);
    const layer = layers[index];
    if (!layer) throw new MinferenceError('USAGE', `expected a layer from 0 to ${layers.length - 1}, found ${index}`);
    const graph = cutAtLayer(model, layer);
    const session = await Session.create({
      model: serializeModel(graph.proto),
      externalDataFolder: model.folder,
      device: 'cpu',
    });
    try {
      const described = { io, layers, leftAlone, numLayers, states, tableSwitch } as const;
      const parts = { directory, graph: 'prefill', session, ...described, logits: 'all' } as const;
      return new LayerReader({ ...parts, feedMakers: createFeedMakers(parts) }, graph, { layer, fingerprint });
    } catch (error) {
      session.dispose();
      throw error;
    }
  }

  /** The operands for a prompt. @throws {MinferenceError} PROMPT_INVALID, PROMPT_TOO_LONG, RUNTIME_FAILED */
  async read(tokens: readonly number[]): Promise<Operands> {
    const { packed, cos, sin } = this.#graph;
    return this.#run(tokens, [packed, cos, sin], (values) => {
      const width = 2 * (values[cos]!.shape[1] ?? 0);
      const angles = { cos: floats(values[cos]!), sin: floats(values[sin]!), width };
      return unpack(floats(values[packed]!), this.layer, tokens.length, angles);
    });
  }

  /** What the op itself makes of the prompt, [rows, heads, headDim]. */
  async attention(tokens: readonly number[]): Promise<Float32Array> {
    const { attention } = this.#graph;
    return this.#run(tokens, [attention], (values) => floats(values[attention]!).slice());
  }

  dispose(): void {
    this.#parts.session.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #run<T>(
    tokens: readonly number[],
    outputs: readonly string[],
    use: (values: Record<string, Tensor>) => T,
  ): Promise<T> {
    checkTokens(tokens, this.directory.config);
    using cache = KvCache.allocate(this.#parts, 0);
    const made = [...this.#parts.feedMakers].map(
      ([name, make]) => [name, make({ tokens, past: 0, planned: tokens.length })] as const,
    );
    const own = { ...Object.fromEntries(made), ...patternFeeds(this.#parts, 'dense') };
    let values: Record<string, Tensor> = {};
    try {
      const fetches = Object.fromEntries(outputs.map((name) => [name, 'host' as const]));
      values = await this.#parts.session.run({ ...own, ...cache.feeds() }, fetches);
      return use(values);
    } finally {
      for (const tensor of [...Object.values(own), ...Object.values(values)]) tensor.dispose();
    }
  }
}

const floats = (tensor: Tensor) => tensor.data() as Float32Array;

/** Takes [rows, (heads + 2·kvHeads), headDim] apart and rotates queries and keys. */
function unpack(packed: Float32Array, layer: AttentionLayer, rows: number, angles: Angles): Operands {
  const { numHeads: heads, numKvHeads: kvHeads, headDim } = layer;
  const q = new Float32Array(rows * heads * headDim);
  const k = new Float32Array(rows * kvHeads * headDim);
  const v = new Float32Array(k.length);
  for (let row = 0; row < rows; row++) {
    const copy = (column: number, to: Float32Array, place: number) => {
      const from = (row * (heads + 2 * kvHeads) + column) * headDim;
      to.set(packed.subarray(from, from + headDim), place * headDim);
      return to.subarray(place * headDim, (place + 1) * headDim);
    };
    for (let head = 0; head < heads; head++) rotate(copy(head, q, row * heads + head), row, angles);
    for (let head = 0; head < kvHeads; head++) {
      const place = head * rows + row;
      rotate(copy(heads + head, k, place), row, angles);
      copy(heads + kvHeads + head, v, place);
    }
  }
  return { rows, heads, kvHeads, headDim, q, k, v };
}
