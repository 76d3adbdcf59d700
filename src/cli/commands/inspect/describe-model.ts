import type { ModelDirectory } from '../../../model/model-directory.js';
import type { VariantSize } from '../../../model/variant-sizes.js';
import type { AttentionLayer, LeftAloneLayer, ModelLayers, SkippedNode } from '../../../onnx/types.js';
import { defined } from '../../../utils/defined.js';
import { formatBytes, formatCount, formatQuantity } from '../../../utils/format.js';
import type { Fact, Section } from '../../render/sections.js';
import { type Column, renderTable } from '../../render/table.js';
import { stdoutStyle } from '../../terminal.js';

/** What was found out about a model without running it. */
export interface ModelFacts extends ModelLayers {
  directory: ModelDirectory;
  skipped: readonly SkippedNode[];
  /** Why the weights cannot be used, with what to do; null when they can. */
  weightsProblem: { message: string; hint: string | undefined } | null;
  variants: readonly VariantSize[];
  /** Keys, values and other states of 1,024 tokens. */
  cacheBytesPer1k: number;
  /** Its numbers are bfloat16, and there is no GPU that could compute with them. */
  cannotCompute: boolean;
  /** At least one layer can be made sparse, the weights are there, and this machine can compute with them. */
  usable: boolean;
}

/** '0–7' for neighbours, '0, 2, 4' otherwise. */
function describeNumbers(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last && last[1] + 1 === number) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ');
}

function groupBy<Item>(items: readonly Item[], key: (item: Item) => string): Item[][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return [...groups.values()];
}

const describeWindow = (window: number | null) => (window === null ? 'all keys' : formatQuantity(window, 'token'));

/** One row for all layers of the same shape. */
function layerTable(layers: readonly AttentionLayer[]): string {
  const columns: Column[] = [
    { title: 'layers' },
    { title: 'op' },
    { title: 'heads', align: 'right' },
    { title: 'KV heads', align: 'right' },
    { title: 'head_dim', align: 'right' },
    { title: 'sees' },
    { title: 'first node' },
  ];
  const shape = ({ source, numHeads, numKvHeads, headDim, window }: AttentionLayer) => [
    source,
    String(numHeads),
    String(numKvHeads),
    String(headDim),
    describeWindow(window),
  ];
  const rows = groupBy(layers, (layer) => shape(layer).join(' ')).map((group) => [
    describeNumbers(group.map(({ layer }) => layer)),
    ...shape(group[0]!),
    group[0]!.node,
  ]);
  return renderTable(columns, rows, stdoutStyle);
}

/** Nodes that were left alone for the same reason, in one line with their layers. */
function skippedFacts(skipped: readonly SkippedNode[], leftAlone: readonly LeftAloneLayer[]): Fact[] {
  return groupBy(skipped, ({ opType, reason }) => `${opType} ${reason}`).map((group) => {
    const { node, opType, reason } = group[0]!;
    const more = group.length > 1 ? ` and ${formatCount(group.length - 1)} more` : '';
    const names = new Set(group.map((skippedNode) => skippedNode.node));
    const where = layersOf(leftAlone.filter((layer) => layer.node !== null && names.has(layer.node)));
    return { title: 'left alone', value: `${opType} ${node}${more}${where}: ${reason}`, ok: false };
  });
}

const layersOf = (layers: readonly LeftAloneLayer[]) =>
  layers.length === 0
    ? ''
    : ` (layer${layers.length > 1 ? 's' : ''} ${describeNumbers(layers.map(({ layer }) => layer))})`;

/** Layers without attention, of the same kind in one line. */
function otherLayerFacts(leftAlone: readonly LeftAloneLayer[], noneUnderstood: boolean): Fact[] {
  // Where no attention was understood, the nodes that look like it say why; that layers carry states says nothing more.
  const others = noneUnderstood ? [] : leftAlone.filter(({ opType }) => opType === null);
  return groupBy(others, ({ reason }) => reason.replace(/\d+/g, '')).map((group) => ({
    title: 'stays as it is',
    value: `${group[0]!.reason}${layersOf(group)}`,
  }));
}

function attentionFacts({ layers, leftAlone, numLayers, skipped }: ModelFacts): Fact[] {
  return [
    {
      title: 'attention',
      value:
        leftAlone.length === 0 || layers.length === 0
          ? `${formatQuantity(layers.length, 'layer')} can be made sparse`
          : `${formatCount(layers.length)} of ${formatQuantity(numLayers, 'layer')} can be made sparse; ONNX Runtime runs the others as they are`,
      ok: layers.length > 0,
      fix:
        skipped.find(({ hint }) => hint !== undefined)?.hint ??
        'export the model with onnxruntime-genai’s builder or Optimum, for text generation with past',
    },
    ...skippedFacts(skipped, leftAlone),
    ...otherLayerFacts(leftAlone, layers.length === 0 && skipped.length > 0),
  ];
}

/** 'model_q4, 1.2 GiB (chosen)' */
function describeVariant({ name, bytes }: VariantSize, chosen: string): string {
  const size = bytes === null ? 'not here' : formatBytes(bytes);
  return `${name}, ${size}${name === chosen ? ' (chosen)' : ''}`;
}

const NO_BFLOAT16: Fact = {
  title: 'numbers',
  value: 'bfloat16, which ONNX Runtime computes on CUDA only',
  ok: false,
  fix: 'take a machine with a GPU, another variant, or export the model as fp32 or int4',
};

/** A model's configuration and its attention, as sections for people. */
export function describeModel(facts: ModelFacts): Section[] {
  const { directory, layers, weightsProblem } = facts;
  const { config } = directory;
  const weights: Fact = weightsProblem
    ? {
        title: 'weights',
        value: weightsProblem.message,
        ok: false,
        ...defined({ fix: weightsProblem.hint }),
      }
    : { title: 'weights', value: 'all there', ok: true };
  return [
    {
      title: `Model ${directory.id}`,
      facts: [
        { title: 'file', value: directory.modelPath },
        {
          title: 'variants',
          value: facts.variants.map((variant) => describeVariant(variant, directory.variant)).join('; '),
        },
        { title: 'layout', value: directory.layout },
        {
          title: 'shape',
          value:
            `${config.modelType}, ${formatQuantity(config.numLayers, 'layer')}, ${formatQuantity(config.numHeads, 'head')} of ` +
            `${config.headDim} (${config.numKvHeads} for keys and values), vocabulary of ${formatCount(config.vocabSize)}`,
        },
        { title: 'positions', value: formatCount(config.contextLength) },
        { title: 'KV cache', value: `${formatBytes(facts.cacheBytesPer1k)} for 1,024 tokens` },
        weights,
        ...(facts.cannotCompute ? [NO_BFLOAT16] : []),
      ],
    },
    {
      title: 'Attention',
      facts: attentionFacts(facts),
      ...defined({ body: layers.length > 0 ? layerTable(layers) : undefined }),
    },
  ];
}
