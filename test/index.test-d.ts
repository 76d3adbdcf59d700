import { expectTypeOf } from 'vitest';
import type { z } from 'zod';
import type { searchSchema } from '../search/options.js';
import type { prefillPromptSchema } from '../src/api/options.js';
import type { niahSchema } from '../src/eval/niah/options.js';
import type { pplOptionsSchema } from '../src/eval/ppl/options.js';
import type { reportSchema } from '../src/eval/report/options.js';
import type { rulerSchema } from '../src/eval/ruler/options.js';
import type { runShape } from '../src/eval/run-options.js';
import {
  type CompareOptions,
  type Decoder,
  type DecoderOptions,
  type EvaluateNiahOptions,
  type EvaluatePerplexityOptions,
  type EvaluateRulerOptions,
  type Evaluation,
  evaluateNiah,
  evaluatePerplexity,
  evaluateRuler,
  type Generation,
  loadModel,
  type PatternFile,
  type PplEvaluation,
  type PrefillPromptOptions,
  type PrefillPromptResult,
  type patternFileSchema,
  patternMatrix,
  prefill,
  type Report,
  type ReportOptions,
  reportResults,
  type SearchOptions,
  type SearchResult,
  search,
} from '../src/index.js';
import type { compareSchema, decoderSchema } from '../src/prefill/options.js';

// The types of the public API, checked by tsc: nothing here runs.

declare const decoder: Decoder;
declare const file: PatternFile;

expectTypeOf(loadModel).returns.resolves.toEqualTypeOf<Decoder>();
expectTypeOf(search).returns.resolves.toEqualTypeOf<SearchResult>();
expectTypeOf(evaluateNiah).returns.resolves.toEqualTypeOf<Evaluation>();
expectTypeOf(evaluateRuler).returns.resolves.toEqualTypeOf<Evaluation>();
expectTypeOf(evaluatePerplexity).returns.resolves.toEqualTypeOf<PplEvaluation>();
expectTypeOf(reportResults).returns.resolves.toEqualTypeOf<Report>();
expectTypeOf(prefill).returns.resolves.toEqualTypeOf<PrefillPromptResult>();
expectTypeOf(decoder).toExtend<Disposable>();
expectTypeOf<Generation['stopped']>().toEqualTypeOf<'eos' | 'length' | 'context' | 'signal' | 'failure'>();

// Everything but the prompt has a default.
void loadModel();
void search();
void evaluateNiah();
void evaluateRuler();
void evaluatePerplexity();
void prefill(decoder, { prompt: 'text' });
void prefill(decoder, { prompt: [1, 2, 3], patterns: file });
void prefill(decoder, { prompt: 'text', patterns: patternMatrix(file) });
void prefill(decoder, { prompt: 'text', patterns: 'patterns.json' });
void prefill(decoder, { prompt: 'text', patterns: [[{ type: 'a_shape', sink: 64, window: 1024 }]] });
// @ts-expect-error a prompt is needed
void prefill(decoder, {});
// @ts-expect-error a misspelt option
void prefill(decoder, { prompt: 'text', chunks: 64 });
// @ts-expect-error an a_shape has a window
void prefill(decoder, { prompt: 'text', patterns: [[{ type: 'a_shape', sink: 64 }]] });
// @ts-expect-error no such device
void loadModel({ device: 'gpu' });
// @ts-expect-error a number of tokens is a number
void search({ length: '8k' });
// @ts-expect-error no such objective
void search({ objective: 'speed' });

// What a schema takes and what its type says are the same options.
type Keys<Schema extends z.ZodType> = keyof z.input<Schema>;
expectTypeOf<Keys<typeof decoderSchema>>().toEqualTypeOf<keyof DecoderOptions>();
expectTypeOf<Keys<typeof compareSchema>>().toEqualTypeOf<keyof CompareOptions>();
expectTypeOf<Keys<typeof prefillPromptSchema>>().toEqualTypeOf<keyof PrefillPromptOptions>();
expectTypeOf<Keys<typeof searchSchema>>().toEqualTypeOf<keyof SearchOptions>();
expectTypeOf<Keys<typeof niahSchema> | keyof typeof runShape>().toEqualTypeOf<keyof EvaluateNiahOptions>();
expectTypeOf<Keys<typeof rulerSchema> | keyof typeof runShape>().toEqualTypeOf<keyof EvaluateRulerOptions>();
expectTypeOf<Keys<typeof pplOptionsSchema>>().toEqualTypeOf<keyof EvaluatePerplexityOptions>();
expectTypeOf<Keys<typeof reportSchema>>().toEqualTypeOf<keyof ReportOptions>();
expectTypeOf<z.output<typeof patternFileSchema>>().toEqualTypeOf<PatternFile>();
