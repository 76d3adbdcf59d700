import { MICROSOFT } from '../domains.js';
import { floatBytes } from '../tensor-proto.js';
import { transpose } from '../transpose.js';
import { BATCH, type GenaiGraph, SEQUENCE } from './genai-graph.js';
import { quantizedWeight } from './genai-linear.js';

const EMBEDDING = 'model.embed_tokens.weight';
const HEAD = 'lm_head.MatMul.weight';

/** input_ids → embeddings. A tied model reads the LM head's tensor: transposed in floats, block by block when quantised. */
export function writeEmbedding(genai: GenaiGraph): string {
  const { spec, graph, weights } = genai.context;
  const { vocabSize, hiddenSize, activations: type, quantization } = spec;
  const path = '/model/embed_tokens';
  const shape = [BATCH, SEQUENCE, hiddenSize];

  if (!spec.tiedEmbeddings) {
    const table = graph.weight(EMBEDDING, type, [vocabSize, hiddenSize], () =>
      floatBytes(weights.get(EMBEDDING), type),
    );
    return genai.op('Gather', `${path}/Gather`, [table, 'input_ids'], { type, shape });
  }
  const matrix = () => weights.get(EMBEDDING);
  if (!quantization || hiddenSize % quantization.blockSize !== 0) {
    const name = quantization ? `${HEAD}_embedding` : HEAD;
    const head = graph.weight(name, type, [hiddenSize, vocabSize], () =>
      floatBytes(transpose(matrix(), vocabSize, hiddenSize), type),
    );
    const table = genai.op('Transpose', `${path}/Transpose`, [head], {
      type,
      shape: [vocabSize, hiddenSize],
      attributes: { perm: { ints: [1, 0] } },
    });
    return genai.op('Gather', `${path}/Gather`, [table, 'input_ids'], { type, shape });
  }
  const { bits, blockSize } = quantization;
  const [blocks, ...scales] = quantizedWeight(genai, HEAD, matrix, vocabSize, hiddenSize);
  const flat = [vocabSize, (hiddenSize * bits) / 8];
  const table = genai.op('Reshape', `${path}/Reshape`, [blocks!, genai.constant('int64', flat)], {
    type: 'uint8',
    shape: flat,
  });
  return genai.op('GatherBlockQuantized', `${path}/GatherBlockQuantized`, [table, 'input_ids', ...scales], {
    type,
    shape,
    domain: MICROSOFT,
    attributes: {
      bits: { int: bits },
      block_size: { int: blockSize },
      gather_axis: { int: 0 },
      quantize_axis: { int: 1 },
    },
  });
}
