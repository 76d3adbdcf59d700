import { MICROSOFT } from '../../domains.js';
import { quantizeBlocks } from '../../quantize-blocks.js';
import { floatBytes } from '../../tensor-proto.js';
import { transpose } from '../../transpose.js';
import type { OptimumScope } from './optimum-scope.js';

export interface OptimumLinear {
  input: string;
  /** Hugging Face names. */
  source: string;
  bias?: string;
  inputSize: number;
  outputSize: number;
  /** Name of the result when it is a graph output. */
  output?: string;
}

/**
 * A projection in a scope of its own, `…/q_proj/MatMul` with an initializer `onnx::MatMul_732` [K, N], and Add with the
 * bias first. Quantised: what ONNX Runtime's quantisation tool makes of it, `…/MatMul_Q4`.
 */
export function writeOptimumLinear(scope: OptimumScope, linear: OptimumLinear): string {
  const { graph, spec, weights } = scope.context;
  const { input, source, inputSize, outputSize, output } = linear;
  const type = spec.activations;
  const name = `onnx::MatMul_${scope.numbers.take()}`;
  let product: string;
  if (spec.quantization) {
    const { bits, blockSize, symmetric, accuracyLevel } = spec.quantization;
    const blocks = Math.ceil(inputSize / blockSize);
    let made: ReturnType<typeof quantizeBlocks> | undefined;
    const quantized = () => {
      made ??= quantizeBlocks(weights.get(source), outputSize, inputSize, spec.quantization!, type === 'float16');
      return made;
    };
    const inputs = [
      input,
      graph.weight(`${name}_Q${bits}`, 'uint8', [outputSize, blocks, (blockSize * bits) / 8], () => quantized().data),
      graph.weight(`${name}_scales`, type, [outputSize, blocks], () => floatBytes(quantized().scales, type)),
    ];
    if (!symmetric) {
      const dims = [outputSize, Math.ceil((blocks * bits) / 8)];
      inputs.push(graph.weight(`${name}_zero_points`, 'uint8', dims, () => quantized().zeroPoints!));
    }
    product = output ?? `${scope.path}/MatMul_output_0`;
    graph.node({
      op: 'MatMulNBits',
      name: `${scope.path}/MatMul_Q${bits}`,
      domain: MICROSOFT,
      inputs,
      outputs: [product],
      attributes: {
        K: { int: inputSize },
        N: { int: outputSize },
        bits: { int: bits },
        block_size: { int: blockSize },
        ...(accuracyLevel ? { accuracy_level: { int: accuracyLevel } } : {}),
      },
    });
  } else {
    const matrix = graph.weight(name, type, [inputSize, outputSize], () =>
      floatBytes(transpose(weights.get(source), outputSize, inputSize), type),
    );
    product = scope.op('MatMul', [input, matrix], {}, output);
  }
  if (!linear.bias) return product;
  const { bias } = linear;
  graph.weight(bias, type, [outputSize], () => floatBytes(weights.get(bias), type));
  return scope.op('Add', [bias, product]);
}
