import { MinferenceError } from '../errors.js';
import type { Graph } from './graph.js';
import { ELEMENT } from './value-info.js';

const NOT_TOKENS = /^minference\.|mask|position|past|cache|segment|token_type|num_|branch/;

/**
 * The graph input with the token ids [batch, rows]: called input_ids, or the one integer matrix that is nothing else by
 * its name. Undefined when there is none.
 */
export function tokensInput(graph: Graph): string | undefined {
  const { inputs } = graph;
  const named = inputs.find((name) => name === 'input_ids') ?? inputs.find((name) => /input_ids|^tokens$/.test(name));
  if (named) return named;
  const matrices = inputs.filter((name) => {
    const type = graph.type(name);
    const isInteger = type?.elementType === ELEMENT.int64 || type?.elementType === ELEMENT.int32;
    return isInteger && type.shape?.length === 2 && !NOT_TOKENS.test(name);
  });
  return matrices.length === 1 ? matrices[0] : undefined;
}

/** @throws {MinferenceError} MODEL_UNSUPPORTED when no input holds tokens. */
export function findTokens(graph: Graph): string {
  const found = tokensInput(graph);
  if (found) return found;
  throw new MinferenceError(
    'MODEL_UNSUPPORTED',
    `expected an input named input_ids, found ${graph.inputs.slice(0, 8).join(', ') || 'no inputs'}`,
    { hint: 'export the decoder for text generation with past, e.g. with onnxruntime-genai’s builder or Optimum' },
  );
}
