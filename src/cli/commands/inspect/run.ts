import { MinferenceError } from '../../../errors.js';
import { resolveModel } from '../../../model/directory.js';
import type { ModelDirectory } from '../../../model/model-directory.js';
import { variantSizes } from '../../../model/variant-sizes.js';
import { checkExternalData, readOnnxModel } from '../../../onnx/model-file.js';
import { inspectAttention } from '../../../onnx/rewrite/rewrite-model.js';
import type { OnnxModel } from '../../../onnx/types.js';
import { needsCuda } from '../../../prefill/check-graph.js';
import { graphFacts } from '../../../prefill/graph-facts.js';
import { stateBytes } from '../../../prefill/kv-cache.js';
import { describeNative } from '../../../runtime/describe-native.js';
import { defined } from '../../../utils/defined.js';
import { packageVersion } from '../../../utils/package-version.js';
import type { CommandContext, CommandRun } from '../../command-spec.js';
import { renderSections } from '../../render/sections.js';
import { stdoutStyle } from '../../terminal.js';
import { describeMachine } from './describe-machine.js';
import { describeModel, type ModelFacts } from './describe-model.js';
import type { inspectOptions } from './options.js';

async function findWeightsProblem(model: OnnxModel): Promise<ModelFacts['weightsProblem']> {
  try {
    await checkExternalData(model);
    return null;
  } catch (error) {
    if (!(error instanceof MinferenceError)) throw error;
    return { message: error.message, hint: error.hint };
  }
}

async function inspectModel(directory: ModelDirectory, hasCuda: boolean): Promise<ModelFacts> {
  const model = await readOnnxModel(directory.modelPath);
  const found = inspectAttention(model, graphFacts(directory.config));
  const weightsProblem = await findWeightsProblem(model);
  const cannotCompute = needsCuda(found.states) && !hasCuda;
  return {
    directory,
    ...found,
    weightsProblem,
    variants: await variantSizes(directory),
    cacheBytesPer1k: found.states.reduce((sum, state) => sum + stateBytes(state, 1024), 0),
    cannotCompute,
    usable: found.layers.length > 0 && weightsProblem === null && !cannotCompute,
  };
}

function modelToJson({ directory, ...facts }: ModelFacts) {
  const { configText: _, variantPaths: __, ...rest } = directory;
  return { ...rest, ...facts };
}

async function findModel(
  { model, variant }: { model: string | true | undefined; variant: string | undefined },
  { progress, signal }: CommandContext,
  hasCuda: boolean,
) {
  if (model === undefined) return null;
  const spec = model === true ? undefined : model;
  const directory = await resolveModel(spec, { ...defined({ variant }), progress, signal });
  return inspectModel(directory, hasCuda);
}

export const runInspectCommand: CommandRun<typeof inspectOptions> = async (options, context) => {
  const native = await describeNative();
  const model = await findModel(options, context, native.cuda !== null);
  const versions = { tool: packageVersion(), node: process.versions.node };
  const sections = [...describeMachine(versions, native), ...(model ? describeModel(model) : [])];
  return {
    json: { versions, native, ...defined({ model: model ? modelToJson(model) : undefined }) },
    text: renderSections(sections, { style: stdoutStyle, ...defined({ columns: process.stdout.columns }) }),
    exitCode: model === null || model.usable ? 0 : 1,
  };
};
