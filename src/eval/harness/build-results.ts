import type { Haystack } from '../datasets/load-haystack.js';
import type { Words } from '../datasets/load-words.js';
import type { Method } from '../methods/method.js';
import type { NiahPlan } from '../niah/plan.js';
import type { AnswerStore } from './answers.js';
import type { EvalDecoder } from './eval-decoder.js';
import type { Grid } from './grid.js';
import { EVAL_SCHEMA, type EvalResults } from './results.js';
import { summarizeCells, summarizeRows } from './summarize.js';

/** Puts answers, scores and provenance together. */
export function buildResults(parts: {
  decoder: EvalDecoder;
  plan: NiahPlan;
  methods: readonly Method[];
  grid: Grid;
  answers: AnswerStore;
  tool: string;
  key: string;
  device: EvalResults['device'];
  chunk: number | null;
  haystack: Haystack;
  words: Words;
}): EvalResults {
  const { decoder, plan, methods, grid, answers, tool, key, device, haystack, words } = parts;
  const { directory, fingerprint, tokenizer } = decoder;
  const { id, variant, config } = directory;
  const names = methods.map(({ name }) => name);
  const prompts = answers.collect(grid.places, grid.methods);
  return {
    schema: EVAL_SCHEMA,
    evaluation: 'niah',
    tool,
    key,
    finished: new Date().toISOString(),
    model: { id, variant, fingerprint, context_length: config.contextLength },
    device,
    options: {
      lengths: plan.lengths,
      depths: plan.depths,
      samples: plan.samples,
      seed: plan.seed,
      chunk: parts.chunk,
      chat_template: tokenizer.hasChatTemplate,
      tasks: plan.tasks.map(({ name, source, metric, maxNewTokens }) => ({
        name,
        source,
        metric,
        max_new_tokens: maxNewTokens,
      })),
      methods: methods.map(({ name, description, file }) => ({ name, description, pattern_file: file ?? null })),
    },
    data: {
      haystack: { name: haystack.name, sha256: haystack.sha256 },
      words: { sha256: words.sha256 },
    },
    rows: summarizeRows(prompts, names),
    cells: summarizeCells(prompts, names),
    prompts,
  };
}
