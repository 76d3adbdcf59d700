import type { LayerPatterns } from '../../prefill/pattern-feeds.js';
import { hashJson } from '../../utils/hash.js';
import type { ProgressReporter } from '../../utils/progress.js';
import type { EvalDecoder } from '../harness/eval-decoder.js';

/** A way to compute attention in the prefill; methods are compared on the same prompts. */
export interface Method {
  /** As the user wrote it, such as `dense`, `minference` or `a_shape:128,1024`. */
  name: string;
  /** What it is, in one line, for results and plots; whole once it is prepared. */
  readonly description: string;
  /** Its patterns for prompts of the given length in tokens; of methods that prepare, for lengths that they were prepared for. */
  patterns(length: number): LayerPatterns;
  /** What tells its patterns from others at the length, where they themselves cannot be hashed. */
  identity?(length: number): unknown;
  /** Finds out what its patterns are, by prefills of prompts that are not evaluated. */
  prepare?(trial: MethodTrial): Promise<void>;
  /** The pattern file it came from. */
  file?: { name: string; sha256: string };
}

/** What methods may try out before an evaluation. */
export interface MethodTrial {
  decoder: Pick<EvalDecoder, 'prefill'>;
  lengths: readonly number[];
  /** Prompts like those that are evaluated, none of which is, as tokens. */
  prompts(length: number): readonly (readonly number[])[];
  chunk: number | null;
  progress: ProgressReporter;
  signal: AbortSignal | undefined;
}

const hashes = new WeakMap<Method, Map<number, string>>();

/** Hash of a method's patterns at a length, made once: those of large models are long. */
export function hashPatterns(method: Method, length: number): string {
  const own = hashes.get(method) ?? new Map<number, string>();
  hashes.set(method, own);
  const hash = own.get(length) ?? hashJson(method.identity ? method.identity(length) : method.patterns(length));
  own.set(length, hash);
  return hash;
}

/** One after another: they share the decoder. */
export async function prepareMethods(methods: readonly Method[], trial: MethodTrial): Promise<void> {
  for (const method of methods) await method.prepare?.(trial);
}
