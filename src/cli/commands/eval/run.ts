import { MinferenceError } from '../../../errors.js';
import type { Evaluation, EvaluationContext } from '../../../eval/evaluate-suite.js';
import { defined } from '../../../utils/defined.js';
import { formatQuantity } from '../../../utils/format.js';
import { checkPatternsOption } from '../../choose-patterns.js';
import type { CommandResult, CommandRun } from '../../command-spec.js';
import type { OptionSpecs } from '../../options/option.js';
import { renderEvaluation } from './render.js';

/** Runs an evaluation with the options of its command. */
export function evalRun<Specs extends OptionSpecs>(
  // The command's options are the function's, but for those that all commands have.
  evaluate: (options: Record<string, never>, context: EvaluationContext) => Promise<Evaluation>,
): CommandRun<Specs> {
  return async (options, { progress, signal }) => {
    const { json: _json, quiet: _quiet, debug: _debug, force, ...rest } = options as Record<string, unknown>;
    await checkPatternsOption(rest.patterns as string);
    const own = defined({ ...rest, ignoreFingerprint: force }) as Record<string, never>;
    return toResult(await evaluate(own, { progress, signal }));
  };
}

/** What `--json` prints: everything but the single predictions, which are in the folder. */
export function toResult(evaluation: Evaluation): CommandResult {
  const { results, out, files, answers, timings, peakMemoryBytes, device } = evaluation;
  const { failures } = results;
  return {
    json: { ...results, device: { ...device, ...results.device }, out, files, answers, timings, peakMemoryBytes },
    text: renderEvaluation(evaluation),
    ...(failures.length > 0 && { partial: missingAnswers(failures) }),
  };
}

/** That some prompts have no answer, with the first reason. */
export function missingAnswers(failures: Evaluation['results']['failures']): MinferenceError {
  const [{ method, length, code, message }] = failures as [Evaluation['results']['failures'][number]];
  return new MinferenceError(
    code as MinferenceError['code'],
    `${formatQuantity(failures.length, 'answers')} missing: ${method} failed at ${length} tokens: ${message}`,
    { hint: 'they count in no score; run the same command again to try them once more' },
  );
}
