import { textWidth } from './svg.js';

/** Between one text and the next. */
const GAP = 6;

/** Places of the ticks whose texts fit beside each other: all, every second, every third … and always the first. */
export function thinTicks(ticks: readonly string[], step: number, fontSize: number): number[] {
  const widest = Math.max(0, ...ticks.map((tick) => textWidth(tick, fontSize)));
  const every = Math.max(1, Math.ceil((widest + GAP) / step));
  return [...ticks.keys()].filter((index) => index % every === 0);
}
