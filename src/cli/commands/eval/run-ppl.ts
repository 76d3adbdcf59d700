import { MinferenceError } from '../../../errors.js';
import { type EvaluatePerplexityOptions, evaluatePerplexity } from '../../../eval/ppl/evaluate.js';
import type { PplResults } from '../../../eval/ppl/results.js';
import { defined } from '../../../utils/defined.js';
import { formatQuantity } from '../../../utils/format.js';
import { checkPatternsOption } from '../../choose-patterns.js';
import type { CommandRun } from '../../command-spec.js';
import { renderPpl } from './render-ppl.js';

export const runEvalPpl: CommandRun<Record<never, never>> = async (options, { progress, signal }) => {
  const { json: _json, quiet: _quiet, debug: _debug, force, ...rest } = options as Record<string, unknown>;
  await checkPatternsOption(rest.patterns as string);
  const own = defined({ ...rest, ignoreFingerprint: force }) as EvaluatePerplexityOptions;
  const evaluation = await evaluatePerplexity(own, { progress, signal });
  const { results, out, files, measurements, timings, peakMemoryBytes, device } = evaluation;
  return {
    json: { ...results, device: { ...device, ...results.device }, out, files, measurements, timings, peakMemoryBytes },
    text: renderPpl(evaluation),
    ...(results.failures.length > 0 && { partial: missing(results.failures) }),
  };
};

/** That some measurements are missing, with the first reason. */
function missing(failures: PplResults['failures']): MinferenceError {
  const [{ method, length, code, message }] = failures as [PplResults['failures'][number]];
  return new MinferenceError(
    code as MinferenceError['code'],
    `${formatQuantity(failures.length, 'measurement')} missing: ${method} failed at ${length} tokens: ${message}`,
    { hint: 'they count in no mean; run the same command again to try them once more' },
  );
}
