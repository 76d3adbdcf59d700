import { MinferenceError } from '../../errors.js';
import type { Graph } from '../graph.js';
import { ELEMENT } from '../value-info.js';

const NOT_TOKENS = /mask|position|past|cache|segment|token_type|num_|branch/;

/**
 * The graph input with the token ids [batch, rows]: called input_ids, or the one integer matrix that is nothing else by
 * its name.
 *
 * @throws {MinferenceError} MODEL_UNSUPPORTED
 */
export function findTokens(graph: Graph): string {
  const { inputs } = graph;
  const named = inputs.find((name) => name === 'input_ids') ?? inputs.find((name) => /input_ids|^tokens$/.test(name));
  if (named) return named;
  const matrices = inputs.filter((name) => {
    const type = graph.type(name);
    const isInteger = type?.elementType === ELEMENT.int64 || type?.elementType === ELEMENT.int32;
    return isInteger && type.shape?.length === 2 && !NOT_TOKENS.test(name);
  });
  if (matrices.length === 1) return matrices[0]!;
  throw new MinferenceError(
    'MODEL_UNSUPPORTED',
    `expected an input named input_ids, found ${inputs.slice(0, 8).join(', ') || 'no inputs'}`,
    { hint: 'export the decoder for text generation with past, e.g. with onnxruntime-genai’s builder or Optimum' },
  );
}
