import { MinferenceError } from '../errors.js';
import type { ModelDirectory } from '../model/model-directory.js';
import type { CarriedState, RewrittenModel } from '../onnx/types.js';
import { ELEMENT } from '../onnx/value-info.js';

/**
 * The graph is what runs; a configuration that contradicts it belongs to another model.
 *
 * @throws MinferenceError MODEL_INVALID naming the number
 */
export function checkGraph({ config, modelPath, folder }: ModelDirectory, { layers }: RewrittenModel): void {
  const mismatch = (what: string, graph: number, said: number) =>
    new MinferenceError(
      'MODEL_INVALID',
      `${folder}: the configuration says ${said} ${what}, the graph ${modelPath} has ${graph}`,
      { hint: 'Keep the configuration and the ONNX file of one export together.' },
    );
  // Fewer is possible: hybrid models have other layers too, and some nodes may have been left alone.
  if (layers.length > config.numLayers) throw mismatch('layers', layers.length, config.numLayers);
  // Layers may differ in the size of their heads (Gemma 4): one of them is what the configuration says.
  const { numHeads, numKvHeads } = layers[0]!;
  const { headDim } = layers.find((layer) => layer.headDim === config.headDim) ?? layers[0]!;
  if (numHeads !== config.numHeads) throw mismatch('attention heads', numHeads, config.numHeads);
  // A configuration that leaves the next two out means a default, which only its architecture's code knows.
  const saysKvHeads = config.numKvHeads !== config.numHeads;
  if (saysKvHeads && numKvHeads !== config.numKvHeads) throw mismatch('key-value heads', numKvHeads, config.numKvHeads);
  const saysHeadDim = config.headDim * config.numHeads !== config.hiddenSize;
  if (saysHeadDim && headDim !== config.headDim) throw mismatch('values per head', headDim, config.headDim);
}

/** ONNX Runtime's CPU kernels know no bfloat16. */
export const needsCuda = (states: readonly CarriedState[]): boolean =>
  states.some(({ elementType }) => elementType === ELEMENT.bfloat16);

/** @throws MinferenceError MODEL_UNSUPPORTED for a graph that the CPU cannot run */
export function checkNumbers({ modelPath }: ModelDirectory, { states }: RewrittenModel): void {
  if (!needsCuda(states)) return;
  throw new MinferenceError(
    'MODEL_UNSUPPORTED',
    `${modelPath}: expected float32 or float16 for the CPU, found bfloat16, which ONNX Runtime computes on CUDA only`,
    {
      hint: 'Take a machine with a GPU, or another variant of the model (minference inspect lists them), or export it as fp32 or int4.',
    },
  );
}
