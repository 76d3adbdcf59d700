import { type EvaluateLatencyOptions, evaluateLatency } from '../../../eval/latency/evaluate.js';
import { defined } from '../../../utils/defined.js';
import { checkPatternsOption } from '../../choose-patterns.js';
import type { CommandRun } from '../../command-spec.js';
import { renderLatency } from './render-latency.js';

export const runEvalLatency: CommandRun<Record<never, never>> = async (options, { progress, signal }) => {
  const { json: _json, quiet: _quiet, debug: _debug, force, ...rest } = options as Record<string, unknown>;
  await checkPatternsOption(rest.patterns as string);
  const own = defined({ ...rest, ignoreFingerprint: force }) as EvaluateLatencyOptions;
  const evaluation = await evaluateLatency(own, { progress, signal });
  const { results, out, files, runs, timings, peakMemoryBytes, device } = evaluation;
  return {
    json: { ...results, device: { ...device, ...results.device }, out, files, runs, timings, peakMemoryBytes },
    text: renderLatency(evaluation),
  };
};
