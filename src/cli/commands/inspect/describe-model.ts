import type { ModelDirectory } from '../../../model/model-directory.js';
import type { AttentionLayer, SkippedNode } from '../../../onnx/types.js';
import { formatCount, formatQuantity } from '../../../utils/format.js';
import type { Fact, Section } from '../../render/sections.js';
import { renderTable } from '../../render/table.js';
import { stdoutStyle } from '../../terminal.js';

/** What was found out about a model without running it. */
export interface ModelFacts {
  directory: ModelDirectory;
  layers: readonly AttentionLayer[];
  skipped: readonly SkippedNode[];
  /** Why the weights cannot be used, with what to do; null when they can. */
  weightsProblem: { message: string; hint: string | undefined } | null;
}

/** Rows beyond this are counted, not shown. */
const MAX_ROWS = 100;

function layerTable(layers: readonly AttentionLayer[]): string {
  const rows = layers
    .slice(0, MAX_ROWS)
    .map(({ layer, node, source, numHeads, numKvHeads, headDim, window }) => [
      String(layer),
      source,
      String(numHeads),
      String(numKvHeads),
      String(headDim),
      window === null ? 'all keys' : formatQuantity(window, 'token'),
      node,
    ]);
  return renderTable(
    [
      { title: 'layer', align: 'right' },
      { title: 'op' },
      { title: 'heads', align: 'right' },
      { title: 'KV heads', align: 'right' },
      { title: 'head_dim', align: 'right' },
      { title: 'sees' },
      { title: 'node' },
    ],
    rows,
    stdoutStyle,
  );
}

function attentionFacts({ layers, skipped }: ModelFacts): Fact[] {
  return [
    {
      title: 'attention',
      value: `${formatQuantity(layers.length, 'layer')} can be made sparse`,
      ok: layers.length > 0,
      fix: 'export the model with onnxruntime-genai’s builder or Optimum, for text generation with past',
    },
    ...skipped.slice(0, MAX_ROWS).map(({ node, opType, reason }) => ({
      title: 'left alone',
      value: `${opType} ${node}: ${reason}`,
      ok: false,
    })),
  ];
}

/** A model's configuration and its attention, as sections for people. */
export function describeModel(facts: ModelFacts): Section[] {
  const { directory, layers, weightsProblem } = facts;
  const { config } = directory;
  const weights: Fact = weightsProblem
    ? {
        title: 'weights',
        value: weightsProblem.message,
        ok: false,
        ...(weightsProblem.hint === undefined ? {} : { fix: weightsProblem.hint }),
      }
    : { title: 'weights', value: 'all there', ok: true };
  return [
    {
      title: `Model ${directory.id}`,
      facts: [
        { title: 'file', value: directory.modelPath },
        {
          title: 'variants',
          value: directory.variants.map((name) => (name === directory.variant ? `${name} (chosen)` : name)).join(', '),
        },
        { title: 'layout', value: directory.layout },
        {
          title: 'shape',
          value:
            `${config.modelType}, ${formatQuantity(config.numLayers, 'layer')}, ${formatQuantity(config.numHeads, 'head')} of ` +
            `${config.headDim} (${config.numKvHeads} for keys and values), vocabulary of ${formatCount(config.vocabSize)}`,
        },
        { title: 'positions', value: formatCount(config.contextLength) },
        weights,
      ],
    },
    {
      title: 'Attention',
      facts: attentionFacts(facts),
      ...(layers.length > 0 ? { body: layerTable(layers) } : {}),
    },
  ];
}
