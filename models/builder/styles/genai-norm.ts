import { MICROSOFT } from '../domains.js';
import type { ResolvedSpec } from '../spec.js';
import { floatBytes } from '../tensor-proto.js';
import { BATCH, type GenaiGraph, SEQUENCE } from './genai-graph.js';

/** The residual stream between two norms. */
export interface Residual {
  /** What the last norm saw. */
  root: string;
  /** What has to be added to it; null before the first layer. */
  skip: string | null;
}

/** The RMS norm of a style: ONNX Runtime's own op, or that of opset 23. */
export const normOp = ({ style }: Pick<ResolvedSpec, 'style'>) =>
  style === 'attention23' ? 'RMSNormalization' : 'SimplifiedLayerNormalization';

/**
 * SimplifiedLayerNormalization for the first norm, SkipSimplifiedLayerNormalization after that; the last one keeps only
 * its first output. In the attention23 style: Add, then RMSNormalization.
 *
 * @param path - `/model/layers.0/input_layernorm`
 * @param source - Hugging Face name of the scale
 */
export function writeNorm(
  genai: GenaiGraph,
  { path, source, residual, last = false }: { path: string; source: string; residual: Residual; last?: boolean },
): { normed: string; root: string } {
  const { spec, graph, weights } = genai.context;
  const type = spec.activations;
  const shape = [BATCH, SEQUENCE, spec.hiddenSize];
  const weight = graph.weight(`${path.slice(1).replaceAll('/', '.')}.weight`, type, [spec.hiddenSize], () =>
    floatBytes(weights.get(source), type),
  );
  const normed = `${path}/output_0`;
  const epsilon = { float: spec.rmsNormEps };
  if (residual.skip === null || spec.style === 'attention23') {
    const root =
      residual.skip === null
        ? residual.root
        : genai.op('Add', `${path}/Add`, [residual.root, residual.skip], { type, shape });
    graph.node({
      op: normOp(spec),
      name: `${path}/LayerNorm`,
      inputs: [root, weight],
      outputs: [normed],
      attributes: { epsilon, axis: { int: -1 }, stash_type: { int: 1 } },
    });
    graph.value(normed, type, shape);
    return { normed, root };
  }
  const root = `${path}/output_3`;
  graph.node({
    op: 'SkipSimplifiedLayerNormalization',
    name: `${path}/SkipLayerNorm`,
    domain: MICROSOFT,
    inputs: [residual.root, residual.skip, weight],
    outputs: last ? [normed] : [normed, '', '', root],
    attributes: { epsilon },
  });
  graph.value(normed, type, shape);
  if (!last) graph.value(root, type, shape);
  return { normed, root };
}
