import type { LayerPatterns } from '../../prefill/pattern-feeds.js';

/** A way to compute attention in the prefill; methods are compared on the same prompts. */
export interface Method {
  /** As the user wrote it, such as `dense`, `minference` or `a_shape:128,1024`. */
  name: string;
  /** What it is, in one line, for results and plots. */
  description: string;
  /** Its patterns for prompts of the given length in tokens. */
  patterns(length: number): LayerPatterns;
  /** The pattern file it came from. */
  file?: { name: string; sha256: string };
}
