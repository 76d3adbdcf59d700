import { MinferenceError } from '../errors.js';
import type { AttentionLayer } from '../onnx/types.js';
import { cutIndex, joinIndices } from '../patterns/cut-index.js';
import { type ExplicitIndex, ROW_BLOCK, rowBlocks, splitIndex } from '../patterns/explicit-index.js';
import type { ExplicitPattern, HeadChoice } from '../patterns/head-choice.js';
import { Tensor } from '../runtime/tensor.js';
import type { Chunk } from './chunk-schedule.js';
import type { DecoderParts } from './decoder-parts.js';

type IndexSource = ExplicitPattern['index'];

/** Indices that heads of a layer take, each once, in the order in which heads name them. */
export const indexSources = (heads: readonly HeadChoice[]): IndexSource[] => [
  ...new Set(heads.flatMap((head) => (head.type === 'explicit' ? [head.index] : []))),
];

/** No indices, for graphs that take some. */
export const noIndices = ({ layers }: Pick<DecoderParts, 'layers'>): Record<string, Tensor> =>
  Object.fromEntries(layers.flatMap((layer) => feedsOf(layer, [])));

/**
 * Makes the indices of every run of the graph over a prompt; undefined where no head takes any.
 *
 * @throws MinferenceError PATTERNS_INVALID for an index of too few row blocks; USAGE when the graph takes none
 */
export function indexFeeds(
  parts: Pick<DecoderParts, 'layers'>,
  patterns: readonly (readonly HeadChoice[])[] | 'dense',
  tokens: number,
): ((chunk: Chunk) => Record<string, Tensor>) | undefined {
  if (patterns === 'dense') return undefined;
  const known = new Map<IndexSource, ExplicitIndex>();
  const resolve = (source: IndexSource, layer: AttentionLayer): ExplicitIndex => {
    const index = known.get(source) ?? (typeof source === 'function' ? source(tokens) : source);
    known.set(source, index);
    checkLength(index, layer, tokens);
    return index;
  };
  const explicit = parts.layers.flatMap((layer) => {
    const sources = indexSources(patterns[layer.layer]!);
    return sources.length > 0 ? [{ layer, indices: sources.map((source) => resolve(source, layer)) }] : [];
  });
  if (explicit.length === 0) return undefined;
  if (explicit.some(({ layer }) => layer.indices === undefined)) {
    throw new MinferenceError('USAGE', 'expected patterns without explicit indices on this graph, found some', {
      hint: 'Open the decoder with indices: true.',
    });
  }
  return ({ start, rows }) => {
    const cuts = new Map<ExplicitIndex, ExplicitIndex>();
    const cut = (index: ExplicitIndex) => {
      const found = cuts.get(index) ?? cutIndex(index, start, rows);
      cuts.set(index, found);
      return found;
    };
    return Object.fromEntries(explicit.flatMap(({ layer, indices }) => feedsOf(layer, indices.map(cut))));
  };
}

function checkLength(index: ExplicitIndex, { layer }: AttentionLayer, tokens: number): void {
  const needed = Math.ceil(tokens / ROW_BLOCK);
  if (rowBlocks(index) >= needed) return;
  throw new MinferenceError(
    'PATTERNS_INVALID',
    `layer ${layer}: expected an explicit index of ${needed} row blocks for ${tokens} tokens, found ${rowBlocks(index)}`,
    { hint: `an index has the keys of every ${ROW_BLOCK} rows of the prompt` },
  );
}

function feedsOf({ indices }: AttentionLayer, own: readonly ExplicitIndex[]): [string, Tensor][] {
  if (indices === undefined) return [];
  return indexTensors(joinIndices(own)).map((tensor, port) => [indices.inputs[port]!, tensor]);
}

/** An index, or several of them one after the other, as a layer's four inputs take it. */
export function indexTensors({ rangeOffsets, ranges, columnOffsets, columns }: ExplicitIndex): Tensor[] {
  const int64 = (values: ArrayLike<number>) =>
    Tensor.fromArray('int64', BigInt64Array.from(values as number[], BigInt), [values.length]);
  return [
    int64(rangeOffsets),
    rangesTensor(ranges),
    int64(columnOffsets),
    Tensor.fromArray('int32', Int32Array.from(columns), [columns.length]),
  ];
}

/** Begins and ends, as the second of these inputs takes them. */
export const rangesTensor = (ranges: ArrayLike<number>): Tensor =>
  Tensor.fromArray('int32', Int32Array.from(ranges), [ranges.length / 2, 2]);

/** Names of the outputs with a graph's own indices. */
export const indexOutputs = ({ layers }: Pick<DecoderParts, 'layers'>): string[] =>
  layers.flatMap(({ indices }) => indices?.outputs ?? []);

/** The indices that a run gave, [layer][head] of the model's layers; disposes the tensors. */
export function readIndices(
  { layers, numLayers }: Pick<DecoderParts, 'layers' | 'numLayers'>,
  outputs: Record<string, Tensor>,
): ExplicitIndex[][] {
  const result: ExplicitIndex[][] = Array.from({ length: numLayers }, () => []);
  for (const { layer, numHeads, indices } of layers) {
    const [rangeOffsets, ranges, columnOffsets, columns] = indices!.outputs.map((name) => {
      using tensor = outputs[name]!;
      return Array.from(tensor.data() as ArrayLike<number>, Number);
    }) as [number[], number[], number[], number[]];
    result[layer] = splitIndex({ rangeOffsets, ranges, columnOffsets, columns }, numHeads);
  }
  return result;
}
