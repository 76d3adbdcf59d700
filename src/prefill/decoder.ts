import { resolveModel } from '../model/directory.js';
import type { ModelDirectory } from '../model/model-directory.js';
import { loadTokenizer, type TextTokenizer } from '../model/tokenizer.js';
import type { AttentionLayer, LeftAloneLayer, RewriteReport } from '../onnx/types.js';
import type { DeviceChoice } from '../runtime/device.js';
import type { Session } from '../runtime/session.js';
import { checkOptions } from '../utils/check-options.js';
import { defined } from '../utils/defined.js';
import type { ProgressReporter } from '../utils/progress.js';
import type { DecoderParts, GraphKind } from './decoder-parts.js';
import { type GenerateOptions, type Generation, runGenerate } from './generate.js';
import { type Likelihood, type LikelihoodOptions, runLikelihood } from './likelihood.js';
import { openGraph } from './open-parts.js';
import { decoderSchema, generateSchema, likelihoodSchema, prefillSchema, probeSchema } from './options.js';
import { type PrefillOptions, type PrefillResult, runPrefill } from './prefill.js';
import { type ProbeOptions, type ProbeScores, runProbe } from './probe.js';
import type { PrefillMemory } from './run-chunks.js';

export interface DecoderOptions {
  /** Folder, .onnx file, Hub id or an already resolved model; default: the embedded model. */
  model?: string | ModelDirectory;
  /** Which ONNX file of the folder, such as `q4`. */
  variant?: string;
  /** `'auto'` by default: CUDA where it works, else the CPU. */
  device?: 'auto' | 'cpu' | 'cuda';
  /** Which CUDA device, among those that CUDA_VISIBLE_DEVICES leaves; 0 by default. Asks for CUDA. */
  deviceId?: number;
  /** CPU threads; default: the physical cores. */
  threads?: number;
  /**
   * `'prefill'` (default): attention replaced by SparseAttention. `'likelihood'`: the same, with the likelihood of every token
   * instead of logits. `'probe'`: AttentionProbe, for the search.
   * `'original'`: the file's graph as it is under plain ONNX Runtime, the baseline.
   */
  graph?: GraphKind;
  /** Rows of logits that onChunk sees; `'last'` by default. The original graph computes all of them in any case. */
  logits?: 'last' | 'all';
  /**
   * Take explicit indices among the patterns, and give the indices that were built (`'prefill'` and `'likelihood'`; false by
   * default: every run then has four inputs and outputs more per layer).
   */
  indices?: boolean;
  /** Watches a download; told once why the CPU is used, and what was measured of a device at its first use. */
  progress?: ProgressReporter;
  /** Stops a download and the measuring. */
  signal?: AbortSignal;
}

/** A loaded decoder model with its tokenizer. Dispose it, or its session's memory waits for the garbage collector. */
export class Decoder implements Disposable {
  readonly directory: ModelDirectory;
  readonly tokenizer: TextTokenizer;
  /** Layers whose attention our ops compute, in graph order; each knows its number among the model's layers. */
  readonly layers: readonly AttentionLayer[];
  /** The model's other layers, which ONNX Runtime runs as they are. */
  readonly leftAlone: readonly LeftAloneLayer[];
  /** Layers of the model: patterns have an entry for each. */
  readonly numLayers: number;
  /**
   * Most tokens, prompt and answer, that the model's short tables of angles serve (LongRoPE); longer prompts take the long
   * ones from their first token on. Null where one table serves all lengths.
   */
  readonly tableSwitch: number | null;
  /** What the rewriter did with the graph's attention, and why it left the rest alone. */
  readonly report: RewriteReport;
  readonly session: Session;
  /** Where the session runs, and why. */
  readonly device: DeviceChoice;
  /** Hash of graph and configuration; pattern files carry it. */
  readonly fingerprint: string;
  /** Hash of the files that it was read from, weights included by name, size and time. */
  readonly filesHash: string;
  /** Time from the call of open to a usable session, downloads included. */
  readonly loadMs: number;
  readonly #parts: DecoderParts;
  readonly #memory: PrefillMemory = { reusableBytes: 0 };

  private constructor(
    parts: DecoderParts,
    facts: Pick<Decoder, 'tokenizer' | 'device' | 'report' | 'fingerprint' | 'filesHash' | 'loadMs'>,
  ) {
    this.#parts = parts;
    this.directory = parts.directory;
    this.layers = parts.layers;
    this.leftAlone = parts.leftAlone;
    this.numLayers = parts.numLayers;
    this.tableSwitch = parts.tableSwitch;
    this.session = parts.session;
    this.tokenizer = facts.tokenizer;
    this.device = facts.device;
    this.report = facts.report;
    this.fingerprint = facts.fingerprint;
    this.filesHash = facts.filesHash;
    this.loadMs = facts.loadMs;
  }

  /**
   * Finds, reads, rewrites and loads a model.
   *
   * @throws MinferenceError USAGE, MODEL_*, TOKENIZER_INVALID, NETWORK, NATIVE_*, DEVICE_UNAVAILABLE, RUNTIME_FAILED, ABORTED
   */
  static async open(options: DecoderOptions = {}): Promise<Decoder> {
    checkOptions(decoderSchema, options, 'loadModel');
    const { model, variant, progress, signal, threads, indices, graph = 'prefill', logits = 'last' } = options;
    const started = performance.now();
    const directory =
      typeof model === 'object'
        ? model
        : await resolveModel(model, {
            ...defined({ variant, progress, signal }),
          });
    // Both take a while, one mostly on other threads.
    const { device, deviceId } = options;
    const opening = openGraph(directory, { device, deviceId, threads, graph, logits, indices, progress, signal });
    const [opened, tokenizer] = await Promise.allSettled([opening, loadTokenizer(directory)]);
    if (opened.status === 'rejected') throw opened.reason;
    const { parts, ...facts } = opened.value;
    if (tokenizer.status === 'rejected') {
      parts.session.dispose();
      throw tokenizer.reason;
    }
    if (facts.device.reason !== null) progress?.note(`running on the CPU: ${facts.device.reason}`);
    const loadMs = performance.now() - started;
    return new Decoder(parts, { ...facts, tokenizer: tokenizer.value, loadMs });
  }

  /**
   * Puts a prompt through the model with the given patterns and returns the last position's logits and the filled KV
   * cache.
   *
   * @throws MinferenceError USAGE, PROMPT_INVALID, PROMPT_TOO_LONG, PATTERNS_INVALID, PATTERNS_MISMATCH, OUT_OF_MEMORY,
   *   RUNTIME_FAILED, ABORTED
   */
  async prefill(tokens: readonly number[], options: PrefillOptions): Promise<PrefillResult> {
    checkOptions(prefillSchema, options, 'prefill');
    return runPrefill(this.#parts, tokens, options, this.#memory);
  }

  /**
   * Greedy decoding after a prefill, with dense attention, or over what its `snapKv` kept. The prefill may be used again; where answers share its buffer,
   * a second one waits for the first.
   *
   * @throws MinferenceError USAGE, RUNTIME_FAILED
   */
  async generate(prefill: PrefillResult, options: GenerateOptions): Promise<Generation> {
    checkOptions(generateSchema, options, 'generate');
    return runGenerate(this.#parts, this.tokenizer, prefill, options);
  }

  /**
   * How likely every token of a text is given all before it, by one prefill of the text with the given patterns (graph
   * `'likelihood'`). Logits of all positions are never in memory at once.
   *
   * @throws MinferenceError as prefill; USAGE on another graph
   */
  async likelihood(tokens: readonly number[], options: LikelihoodOptions): Promise<Likelihood> {
    checkOptions(likelihoodSchema, options, 'likelihood');
    return runLikelihood(this.#parts, tokens, options, this.#memory);
  }

  /**
   * Scores candidate patterns of every head on one prompt (graph `'probe'`): all layers in a single run.
   *
   * @throws MinferenceError as prefill; USAGE on another graph
   */
  async probe(tokens: readonly number[], options: ProbeOptions): Promise<ProbeScores> {
    checkOptions(probeSchema, options, 'probe');
    return runProbe(this.#parts, tokens, options);
  }

  dispose(): void {
    this.session.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
