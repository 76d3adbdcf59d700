import type { ModelDirectory } from '../model/model-directory.js';
import type { CarriedState, DecoderIo, ModelLayers } from '../onnx/types.js';
import type { Session } from '../runtime/session.js';
import type { Tensor } from '../runtime/tensor.js';

/** Which graph a decoder runs: rewritten for sparse prefill, for perplexity, for the search, or the file's own as it is. */
export type GraphKind = 'prefill' | 'likelihood' | 'probe' | 'original';

/** The tokens of one run and how many precede them in the cache. */
export interface StepTokens {
  tokens: readonly number[];
  past: number;
  /** Tokens that the cache will hold in the end, prompt and answer. */
  planned: number;
}

/** Makes one input of a run. */
export type FeedMaker = (step: StepTokens) => Tensor;

/** What the steps of a prefill need of an open decoder. */
export interface DecoderParts extends ModelLayers {
  directory: ModelDirectory;
  graph: GraphKind;
  session: Session;
  io: DecoderIo;
  /** What runs hand on. */
  states: readonly CarriedState[];
  /** See RewrittenModel. */
  tableSwitch: number | null;
  /** Inputs that are neither carried from run to run nor patterns, by name. */
  feedMakers: ReadonlyMap<string, FeedMaker>;
  /** Which rows of logits callers get; `io.logitsRows` says which the graph computes. */
  logits: 'last' | 'all';
}
