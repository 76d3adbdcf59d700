/**
 * minference: sparse attention prefill for long prompts on ONNX decoders.
 *
 * - {@link loadModel} opens a model folder, a Hub id or the embedded model;
 * - {@link search} chooses a sparse pattern for every attention head and writes a pattern file;
 * - {@link prefill} answers a prompt with those patterns;
 * - {@link evaluateNiah}, {@link evaluateRuler}, {@link evaluateInfiniteBench} and {@link evaluatePerplexity} measure what
 *   they cost in accuracy and buy in time.
 *
 * Everything that fails throws a {@link MinferenceError} with a stable `code`, a message and a hint.
 *
 * @packageDocumentation
 */

export type { SearchResult } from '../search/result.js';
export { runSearch as search } from '../search/run-search.js';
export type { SearchContext, SearchOptions } from '../search/types.js';
export { loadModel } from './api/load-model.js';
export { type Patterns, type PrefillPromptOptions, type PrefillPromptResult, prefill } from './api/prefill.js';
export { type ErrorCode, MinferenceError } from './errors.js';
export {
  type EvaluateInfiniteBenchOptions,
  type EvaluateNiahOptions,
  type EvaluateRulerOptions,
  evaluateInfiniteBench,
  evaluateNiah,
  evaluateRuler,
} from './eval/evaluate.js';
export type { Evaluation, EvaluationContext } from './eval/evaluate-suite.js';
export { type EvaluateLatencyOptions, evaluateLatency } from './eval/latency/evaluate.js';
export type { LatencyEvaluation } from './eval/latency/evaluate-latency.js';
export { type EvaluatePerplexityOptions, evaluatePerplexity } from './eval/ppl/evaluate.js';
export type { PplEvaluation } from './eval/ppl/evaluate-documents.js';
export type { ReportFormat, ReportOptions } from './eval/report/options.js';
export { type Report, reportResults } from './eval/report/report-results.js';
export { type ExplicitIndex, makeIndex, type RowBlockKeys } from './patterns/explicit-index.js';
export type { HeadChoice } from './patterns/head-choice.js';
export type { HeadPattern, PatternType } from './patterns/head-pattern.js';
export { loadPatterns } from './patterns/load-patterns.js';
export { PATTERN_SCHEMA, type PatternFile, patternFileSchema } from './patterns/pattern-file.js';
export { savePatterns } from './patterns/save-patterns.js';
export { patternMatrix } from './patterns/to-matrix.js';
export { type CompareOptions, type Comparison, compareWithDense } from './prefill/compare.js';
export type { Decoder, DecoderOptions } from './prefill/decoder.js';
export type { Generation } from './prefill/generate.js';
export type { Likelihood, LikelihoodOptions } from './prefill/likelihood.js';
export type { PrefillOptions, PrefillResult } from './prefill/prefill.js';
export type { ProbeOptions, ProbeScore, ProbeScores } from './prefill/probe.js';
export type { PrefillTimings } from './prefill/timings.js';
export type { ProgressReporter, ProgressTask } from './utils/progress.js';
