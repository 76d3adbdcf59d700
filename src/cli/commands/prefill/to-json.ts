import type { ComparedRun, Comparison } from '../../../prefill/compare.js';
import { defined } from '../../../utils/defined.js';
import type { RunFacts } from './render.js';

const decodeRate = ({ generation: { tokens, decodeMs } }: ComparedRun) =>
  tokens.length > 1 ? ((tokens.length - 1) / decodeMs) * 1000 : null;

const runToJson = (run: ComparedRun) => ({
  text: run.generation.text,
  tokens: run.generation.tokens,
  stopped: run.generation.stopped,
  failure: run.generation.failure && { code: run.generation.failure.code, message: run.generation.failure.message },
  prefill: run.timings,
  decode: { totalMs: run.generation.decodeMs, tokensPerSecond: decodeRate(run) },
  peakMemoryBytes: run.peakMemoryBytes,
});

/** What `--json` prints. The run's own fields are those of the run with patterns. */
export function toJson(facts: RunFacts, run: ComparedRun, comparison?: Comparison) {
  const { model, device, patterns, promptTokens, loadMs, tokenizeMs } = facts;
  return {
    model: { id: model.id, path: model.modelPath, variant: model.variant },
    device,
    patterns: patterns.name,
    promptTokens,
    loadMs,
    tokenizeMs,
    timeToFirstTokenMs: loadMs + tokenizeMs + run.timings.totalMs,
    ...runToJson(run),
    ...defined({ dense: comparison && runToJson(comparison.dense), comparison: comparison && figures(comparison) }),
  };
}

const figures = ({ speedup, kl, top1Agrees, sameText }: Comparison) => ({ speedup, kl, top1Agrees, sameText });
