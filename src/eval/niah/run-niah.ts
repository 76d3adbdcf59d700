import { resolveModel } from '../../model/directory.js';
import type { ModelDirectory } from '../../model/model-directory.js';
import { Decoder } from '../../prefill/decoder.js';
import { kernelGeometry } from '../../runtime/native.js';
import { checkOptions } from '../../utils/check-options.js';
import { defined } from '../../utils/defined.js';
import { watchSchema } from '../../utils/option-schemas.js';
import { checkLengths } from '../harness/check-lengths.js';
import { type EvaluationContext, evaluateNiah, type NiahOptions } from './evaluate-niah.js';
import type { NiahResults } from './niah-results.js';
import { evaluateSchema } from './options.js';
import { planNiah } from './plan.js';

export interface RunNiahOptions extends NiahOptions {
  /** Folder, .onnx file, Hub id or an already resolved model; default: the embedded model. */
  model?: string | ModelDirectory;
  /** Which ONNX file of the folder, such as `q4`. */
  variant?: string;
  /** `'auto'` by default. */
  device?: 'auto' | 'cpu' | 'cuda';
  /** Which CUDA device, among those that CUDA_VISIBLE_DEVICES leaves; 0 by default. Asks for CUDA. */
  deviceId?: number;
  /** CPU threads; default: the physical cores. */
  threads?: number;
}

/**
 * Evaluates retrieval from long prompts: every method answers the same prompts, on a grid of tasks, lengths and depths.
 * src/eval/README.md has the protocol.
 *
 * @throws {MinferenceError} USAGE, PROMPT_TOO_LONG, DATASET_INVALID, READ_FAILED, WRITE_FAILED, LOCKED, PATTERNS_*,
 *   ABORTED (finished answers are kept when `out` is given), and whatever opening the model throws.
 */
export async function runNiah(options: RunNiahOptions = {}, context: EvaluationContext = {}): Promise<NiahResults> {
  checkOptions(evaluateSchema, options, 'evaluate');
  checkOptions(watchSchema, context, 'evaluate');
  const { model, variant, device, deviceId, threads, ...rest } = options;
  const { progress, signal } = context;
  const watch = defined({ progress, signal });
  // Before anything is loaded: what is wrong whatever the model.
  planNiah(rest);
  const directory =
    typeof model === 'object' ? model : await resolveModel(model, { ...watch, ...defined({ variant }) });
  checkLengths(rest.lengths ?? [], directory.config);
  using decoder = await Decoder.open({
    model: directory,
    ...defined({ device, deviceId, threads }),
    ...watch,
  });
  const geometry = kernelGeometry(decoder.layers[0]!.headDim, decoder.session.device, decoder.session.deviceId);
  const results = await evaluateNiah(decoder, { ...rest, geometry, threads: threads ?? null }, context);
  return { ...results, timings: { ...results.timings, loadMs: decoder.loadMs } };
}
