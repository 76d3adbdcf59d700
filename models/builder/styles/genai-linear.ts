import { MICROSOFT } from '../domains.js';
import { quantizeBlocks } from '../quantize-blocks.js';
import { bytesOf, ELEMENT_TYPE, floatBytes } from '../tensor-proto.js';
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
  if (spec.quantization?.unpack === 'kernel') {
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
    const name = writeMatrix(genai, weightName(path), matrix, outputSize, inputSize);
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

/**
 * A matrix [rows, columns] as the float value [columns, rows] that MatMul takes: an initializer, or, for weights unpacked
 * at load, (level − zero) · scale in standard ops, which ONNX Runtime folds (it folds no contrib ops and no
 * DequantizeLinear). The stored bytes are those that MatMulNBits would read, turned while they are still bytes.
 */
function writeMatrix(
  genai: GenaiGraph,
  name: string,
  matrix: () => Float32Array,
  rows: number,
  columns: number,
): string {
  const { graph, spec } = genai.context;
  const type = spec.activations;
  if (spec.quantization?.unpack !== 'load') {
    return graph.weight(name, type, [columns, rows], () => floatBytes(transpose(matrix(), rows, columns), type));
  }
  const { blockSize } = spec.quantization;
  const blocks = columns / blockSize;
  const [levels, scales] = quantizedWeight(genai, name, matrix, rows, columns);
  const path = `/${name.replace(/\.weight$/, '').replaceAll('.', '/')}/unpack`;
  const shape = [blocks, blockSize, rows];
  const turned = genai.op('Transpose', `${path}/Transpose`, [levels!], {
    type: 'uint8',
    shape,
    attributes: { perm: { ints: [1, 2, 0] } },
  });
  const turnedScales = genai.op('Transpose', `${path}/Transpose_1`, [scales!], {
    type,
    shape: [blocks, rows],
    attributes: { perm: { ints: [1, 0] } },
  });
  const factors = genai.op('Unsqueeze', `${path}/Unsqueeze`, [turnedScales, genai.constant('int64', [1])], {
    type,
    shape: [blocks, 1, rows],
  });
  const to = { to: { int: ELEMENT_TYPE[type] } };
  const values = genai.op('Cast', `${path}/Cast`, [turned], { type, shape, attributes: to });
  const signed = genai.op('Sub', `${path}/Sub`, [values, genai.constant(type, 128)], { type, shape });
  const product = genai.op('Mul', `${path}/Mul`, [signed, factors], { type, shape });
  const flat = genai.constant('int64', [columns, rows]);
  return genai.op('Reshape', `${path}/Reshape`, [product, flat], { type, shape: [columns, rows], output: name });
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
  const quantized = once(() => quantizeBlocks(matrix(), rows, columns, quantization, spec.activations === 'float16'));
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

/** Calls `make` when the value is first wanted. */
function once<Value extends object>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
