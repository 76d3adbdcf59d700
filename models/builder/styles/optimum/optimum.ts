import type { BuildContext } from '../../context.js';
import { hasCache } from '../../shape.js';
import { floatBytes } from '../../tensor-proto.js';
import { layerWeight } from '../../weights.js';
import { writeOptimumAttention } from './attention.js';
import { writeOptimumLinear } from './linear.js';
import { writeOptimumMasks } from './mask.js';
import { writeOptimumNorm } from './norm.js';
import { OptimumScope, ValueNumbers } from './optimum-scope.js';
import { writeOptimumAngles } from './rotary.js';

const EMBEDDING = 'model.embed_tokens.weight';

/** Optimum's text-generation-with-past export through torch.onnx: no fused op at all, one shared mask. */
export function writeOptimum(context: BuildContext): void {
  const { spec, graph, weights } = context;
  const type = spec.activations;
  writeIo(context);
  const numbers = new ValueNumbers();
  const model = new OptimumScope(context, '/model', numbers);
  const table = graph.weight(EMBEDDING, type, [spec.vocabSize, spec.hiddenSize], () =>
    floatBytes(weights.get(EMBEDDING), type),
  );
  let hidden = model.child('embed_tokens').op('Gather', [table, 'input_ids']);
  const windows = layerWindows(context);
  const kinds = [...new Set(windows)];
  const masks = writeOptimumMasks(model, { hidden, windows: kinds });
  const plainAngles = writeOptimumAngles(model.child('rotary_emb'));
  let shared: typeof plainAngles | undefined;
  const angles = (scope: OptimumScope) => {
    shared ??= { cos: scope.unsqueeze(plainAngles.cos, 1), sin: scope.unsqueeze(plainAngles.sin, 1) };
    return shared;
  };

  for (let layer = 0; layer < spec.numLayers; layer++) {
    const scope = model.child(`layers.${layer}`);
    const norm = (name: string) => {
      const weight = layerWeight(layer, `${name}.weight`);
      const result = writeOptimumNorm(scope.child(name), { input: hidden, weight, size: spec.hiddenSize });
      hidden = result.input;
      return result.normed;
    };
    const mask = masks[kinds.indexOf(windows[layer]!)]!;
    const normed = norm('input_layernorm');
    const attended = writeOptimumAttention(scope.child('self_attn'), { layer, normed, mask, angles });
    hidden = scope.op('Add', [hidden, attended]);
    const fed = writeMlp(scope.child('mlp'), layer, norm('post_attention_layernorm'));
    hidden = scope.op('Add', [hidden, fed]);
  }
  const { normed } = writeOptimumNorm(model.child('norm'), {
    input: hidden,
    weight: 'model.norm.weight',
    size: spec.hiddenSize,
  });
  writeOptimumLinear(new OptimumScope(context, '/lm_head', numbers), {
    input: normed,
    source: spec.tiedEmbeddings ? EMBEDDING : 'lm_head.weight',
    inputSize: spec.hiddenSize,
    outputSize: spec.vocabSize,
    output: 'logits',
  });
}

/** Window of each layer, null for full attention. */
function layerWindows({ spec }: BuildContext): (number | null)[] {
  const { slidingWindow, numLayers } = spec;
  return Array.from({ length: numLayers }, (_, layer) =>
    slidingWindow?.layers.includes(layer) ? slidingWindow.size : null,
  );
}

function writeIo({ spec, graph }: BuildContext): void {
  const total = 'past_sequence_length + sequence_length';
  graph.input('input_ids', 'int64', ['batch_size', 'sequence_length']);
  graph.input('attention_mask', 'int64', ['batch_size', total]);
  graph.input('position_ids', 'int64', ['batch_size', 'sequence_length']);
  graph.output('logits', spec.activations, ['batch_size', 'sequence_length', spec.vocabSize]);
  for (let layer = 0; layer < spec.numLayers; layer++) {
    if (!hasCache(spec, layer)) continue;
    const [before, after] =
      spec.layerKinds[layer] === 'sliding' ? ['past_window', 'window'] : ['past_sequence_length', total];
    for (const kind of ['key', 'value']) {
      const cache = (length: string) => ['batch_size', spec.numKvHeads, length, spec.headDim];
      graph.input(`past_key_values.${layer}.${kind}`, spec.activations, cache(before!));
      graph.output(`present.${layer}.${kind}`, spec.activations, cache(after!));
    }
  }
}

function writeMlp(scope: OptimumScope, layer: number, input: string): string {
  const { hiddenSize, intermediateSize } = scope.context.spec;
  const project = (name: string, value: string, inputSize: number, outputSize: number) => {
    const source = layerWeight(layer, `mlp.${name}.weight`);
    return writeOptimumLinear(scope.child(name), { input: value, source, inputSize, outputSize });
  };
  const gate = project('gate_proj', input, hiddenSize, intermediateSize);
  const activation = scope.child('act_fn');
  const silu = activation.op('Mul', [gate, activation.op('Sigmoid', [gate])]);
  const up = project('up_proj', input, hiddenSize, intermediateSize);
  return project('down_proj', scope.op('Mul', [silu, up]), intermediateSize, hiddenSize);
}
