import { resolveModel } from '../../model/directory.js';
import { Decoder } from '../../prefill/decoder.js';
import { kernelGeometry } from '../../runtime/native.js';
import { checkOptions } from '../../utils/check-options.js';
import { defined } from '../../utils/defined.js';
import { watchSchema } from '../../utils/option-schemas.js';
import type { LoadOptions } from '../evaluate.js';
import type { EvaluationContext, RunOptions } from '../evaluate-suite.js';
import { checkBudgets } from '../methods/budgets.js';
import { needsIndices, parseMethods } from '../methods/parse-methods.js';
import { evaluateDocuments, type PplEvaluation } from './evaluate-documents.js';
import { type PplOptions, pplOptionsSchema } from './options.js';
import { planPpl } from './plan.js';

export type EvaluatePerplexityOptions = PplOptions & Omit<RunOptions, 'shard' | 'kv' | 'equalCost'> & LoadOptions;

/**
 * Measures perplexity: the first tokens of documents, each given all before it, by one prefill with every method.
 * src/eval/README.md has the protocol.
 *
 * @throws {MinferenceError} USAGE, DATASET_INVALID (no text is long enough), READ_FAILED, WRITE_FAILED, LOCKED, PATTERNS_*,
 *   MODEL_UNSUPPORTED (the graph computes the last position only), CHECKPOINT_INVALID (results of another configuration
 *   are in `out`), ABORTED (finished measurements are kept when `out` is given), and whatever opening the model throws.
 */
export async function evaluatePerplexity(
  options: EvaluatePerplexityOptions = {},
  context: EvaluationContext = {},
): Promise<PplEvaluation> {
  checkOptions(pplOptionsSchema, options, 'the evaluation ppl');
  checkOptions(watchSchema, context, 'the evaluation ppl');
  const { model, variant, device, deviceId, threads, ...rest } = options;
  const { progress, signal } = context;
  const watch = defined({ progress, signal });
  // Before anything is loaded: what is wrong whatever the model.
  if (rest.methods !== undefined) parseMethods(rest.methods);
  checkBudgets(rest);
  const directory =
    typeof model === 'object' ? model : await resolveModel(model, { ...watch, ...defined({ variant }) });
  const { methods } = planPpl(rest, directory.config.contextLength);
  const indices = needsIndices(methods);
  const where = defined({ device, deviceId, threads });
  using decoder = await Decoder.open({ model: directory, graph: 'likelihood', indices, ...where, ...watch });
  const geometry = kernelGeometry(decoder.layers[0]!.headDim, decoder.session.device, decoder.session.deviceId);
  const evaluation = await evaluateDocuments(decoder, { ...rest, geometry, threads: threads ?? null }, context);
  return { ...evaluation, timings: { ...evaluation.timings, loadMs: decoder.loadMs } };
}
