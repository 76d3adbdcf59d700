import { type ScaleBand, scaleBand } from 'd3-scale';

/** Places of `count` cells side by side in `length`, with `gap` between them and half of it at the ends. */
export function bands(count: number, start: number, length: number, gap: number): ScaleBand<number> {
  const padding = (gap * count) / length;
  return scaleBand([...Array(count).keys()], [start, start + length])
    .paddingInner(padding)
    .paddingOuter(padding / 2);
}

export const middleOf = (places: ScaleBand<number>, index: number): number => places(index)! + places.bandwidth() / 2;
