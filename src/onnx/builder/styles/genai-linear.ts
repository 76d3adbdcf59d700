import { MICROSOFT } from '../domains.js';
import { quantizeBlocks } from '../quantize-blocks.js';
import { bytesOf, floatBytes } from '../tensor-proto.js';
import { concatRows, transpose } from '../transpose.js';
import { BATCH, type GenaiGraph, SEQUENCE } from './genai-graph.js';

/** A projection; several sources lie side by side in one matrix. */
export interface Linear {
  /** Node path without the op, `/model/layers.0/mlp/gate_proj`. */
  path: string;
  input: string;
  /** Hugging Face names of the matrices. */
  sources: readonly string[];
  /** Columns of the input (K) and of the output (N). */
  inputSize: number;
  outputSize: number;
  /** Hugging Face names of the biases. */
  biases?: readonly string[];
  /** Name of the output value when it is a graph output. */
  output?: string;
}

/** `/model/layers.0/mlp/gate_proj` → `model.layers.0.mlp.gate_proj.MatMul.weight` */
const weightName = (path: string) => `${path.slice(1).replaceAll('/', '.')}.MatMul.weight`;

/** MatMul with a [K, N] initializer, or MatMulNBits; then Add where there are biases. */
export function writeLinear(genai: GenaiGraph, linear: Linear): string {
  const { graph, spec, weights } = genai.context;
  const { path, input, sources, inputSize, outputSize, biases, output } = linear;
  const matrix = () => concatRows(sources.map((name) => weights.get(name)));
  const result = {
    type: spec.activations,
    shape: [BATCH, SEQUENCE, outputSize],
    output: output ?? `${path}/MatMul/output_0`,
  };
  let product: string;
  if (spec.quantization) {
    const quantized = quantizedWeight(genai, weightName(path), matrix, outputSize, inputSize);
    const { bits, blockSize, accuracyLevel } = spec.quantization;
    product = genai.op('MatMulNBits', `${path}/MatMul_Q${bits}`, [input, ...quantized], {
      ...result,
      domain: MICROSOFT,
      attributes: {
        K: { int: inputSize },
        N: { int: outputSize },
        ...(accuracyLevel ? { accuracy_level: { int: accuracyLevel } } : {}),
        bits: { int: bits },
        block_size: { int: blockSize },
      },
    });
  } else {
    const name = graph.weight(weightName(path), spec.activations, [inputSize, outputSize], () =>
      floatBytes(transpose(matrix(), outputSize, inputSize), spec.activations),
    );
    product = genai.op('MatMul', `${path}/MatMul`, [input, name], result);
  }
  if (!biases?.length) return product;
  const bias = graph.weight(`${path.slice(1).replaceAll('/', '.')}.Add.bias`, spec.activations, [outputSize], () =>
    floatBytes(concatRows(biases.map((name) => weights.get(name))), spec.activations),
  );
  return genai.op('Add', `${path}/Add`, [product, bias], {
    type: spec.activations,
    shape: [BATCH, SEQUENCE, outputSize],
  });
}

/** Adds the quantised initializers of a matrix once: blocks, scales and, when asymmetric, zero points. */
export function quantizedWeight(
  genai: GenaiGraph,
  name: string,
  matrix: () => Float32Array,
  rows: number,
  columns: number,
): string[] {
  const { graph, spec } = genai.context;
  const quantization = spec.quantization!;
  const { bits, blockSize, symmetric } = quantization;
  const blocks = Math.ceil(columns / blockSize);
  let made: ReturnType<typeof quantizeBlocks> | undefined;
  const quantized = () => {
    made ??= quantizeBlocks(matrix(), rows, columns, quantization, spec.activations === 'float16');
    return made;
  };
  const names = [
    graph.weight(`${name}_Q${bits}`, 'uint8', [rows, blocks, (blockSize * bits) / 8], () => quantized().data),
    graph.weight(`${name}_scales`, spec.activations, [rows, blocks], () =>
      floatBytes(quantized().scales, spec.activations),
    ),
  ];
  if (!symmetric) {
    const dims = [rows, Math.ceil((blocks * bits) / 8)];
    names.push(graph.weight(`${name}_zp`, 'uint8', dims, () => bytesOf(quantized().zeroPoints!)));
  }
  return names;
}
