import { resolveModel } from '../../model/directory.js';
import { Decoder } from '../../prefill/decoder.js';
import { kernelGeometry } from '../../runtime/native.js';
import { checkOptions } from '../../utils/check-options.js';
import { defined } from '../../utils/defined.js';
import { watchSchema } from '../../utils/option-schemas.js';
import type { LoadOptions } from '../evaluate.js';
import type { EvaluationContext, RunOptions } from '../evaluate-suite.js';
import { checkLengths } from '../harness/check-lengths.js';
import { checkBudgets } from '../methods/budgets.js';
import { needsIndices, parseMethods } from '../methods/parse-methods.js';
import { DEFAULT_METHODS, type LatencyEvaluation, timeDecoder } from './evaluate-latency.js';
import { type LatencyOptions, latencySchema } from './options.js';

export type EvaluateLatencyOptions = LatencyOptions & Omit<RunOptions, 'shard' | 'kv'> & LoadOptions;

/**
 * Times prefills of real text: every method the same tokens, in turns, against dense attention in the same run.
 * src/eval/README.md has the protocol.
 *
 * @throws {MinferenceError} USAGE, PROMPT_TOO_LONG, READ_FAILED, DATASET_INVALID, WRITE_FAILED, LOCKED, PATTERNS_*,
 *   CHECKPOINT_INVALID (results of another configuration are in `out`), ABORTED (finished runs are kept when `out` is
 *   given), and whatever opening the model throws.
 */
export async function evaluateLatency(
  options: EvaluateLatencyOptions = {},
  context: EvaluationContext = {},
): Promise<LatencyEvaluation> {
  checkOptions(latencySchema, options, 'the evaluation latency');
  checkOptions(watchSchema, context, 'the evaluation latency');
  const { model, variant, device, deviceId, threads, ...rest } = options;
  const { progress, signal } = context;
  const watch = defined({ progress, signal });
  // Before anything is loaded: what is wrong whatever the model.
  const specs = parseMethods(rest.methods ?? DEFAULT_METHODS);
  checkBudgets(rest);
  const directory =
    typeof model === 'object' ? model : await resolveModel(model, { ...watch, ...defined({ variant }) });
  checkLengths(rest.lengths ?? [], directory.config);
  const indices = needsIndices(specs);
  using decoder = await Decoder.open({
    model: directory,
    indices,
    ...defined({ device, deviceId, threads }),
    ...watch,
  });
  const geometry = kernelGeometry(decoder.layers[0]!.headDim, decoder.session.device, decoder.session.deviceId);
  const facts = { geometry, threads: threads ?? null, loadMs: decoder.loadMs };
  return await timeDecoder(decoder, { ...rest, ...facts }, context);
}
