import { type ExplicitIndex, makeIndex, type RowBlockKeys } from '../patterns/explicit-index.js';
import type { HeadChoice } from '../patterns/head-choice.js';
import type { Tensor } from '../runtime/tensor.js';
import type { DecoderParts } from './decoder-parts.js';
import { indexTensors, rangesTensor } from './index-feeds.js';
import { patternFeeds } from './pattern-feeds.js';
import { disposeAll } from './run-chunks.js';

/** A multiple of what the kernels of all devices round ranges to: kept keys are exactly those that were chosen. */
const ALIGN = 64;

/** Feeds of decode steps that see of the prompt what was kept, and all tokens behind it. */
export interface KeptFeeds extends Disposable {
  /** For the step whose token is at position `past`. The last step's feeds are freed. */
  at(past: number): Record<string, Tensor>;
}

/**
 * The cache itself stays whole: its keys carry their positions, and positions of new tokens are counted by its length.
 *
 * @param kept [layer][head], one row block each, that ends at the prompt's end
 * @param prompt tokens of the prompt
 */
export function keptFeeds(parts: DecoderParts, kept: readonly (readonly ExplicitIndex[])[], prompt: number): KeptFeeds {
  const patterns = kept.map((heads) => heads.map((index): HeadChoice => ({ type: 'explicit', index })));
  const feeds = patternFeeds(parts, patterns, { allowDense: false });
  const set = (name: string, tensor: Tensor) => {
    feeds[name]?.dispose();
    feeds[name] = tensor;
  };
  for (const { layer, indices } of parts.layers) {
    const blocks = kept[layer]!.map((index) => stepKeys(index, prompt));
    for (const [port, tensor] of indexTensors(makeIndex(blocks)).entries()) set(indices!.inputs[port]!, tensor);
  }
  const from = new Map(parts.layers.map(({ layer }) => [layer, kept[layer]!.map((index) => tailStart(index))]));
  return {
    at(past) {
      for (const { layer, indices } of parts.layers) {
        set(indices!.inputs[1]!, rangesTensor(from.get(layer)!.flatMap((begin) => [begin, past + 1])));
      }
      return feeds;
    },
    [Symbol.dispose]() {
      disposeAll(feeds);
    },
  };
}

/** Where the range begins that ends in the newest token. The window is as long as ALIGN, so that it is never empty. */
const tailStart = ({ ranges }: ExplicitIndex): number => Math.ceil(ranges[0]! / ALIGN) * ALIGN;

/** Ranges are rounded outward, columns are not: the window's start is single keys. */
function stepKeys(index: ExplicitIndex, prompt: number): RowBlockKeys {
  const begin = tailStart(index);
  const columns = Array.from(index.columns);
  for (let key = index.ranges[0]!; key < begin; key++) columns.push(key);
  return { ranges: [[begin, prompt + 1]], columns };
}
