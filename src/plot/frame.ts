import type { ScaleContinuousNumeric } from 'd3-scale';
import { element, FAINT_INK, GRID_INK, label } from './svg.js';

/** Room of a chart and of what stands around it, in pixels. */
export const PLOT = { width: 340, height: 220, left: 56, right: 24, top: 34, bottom: 54 };
export const PLOT_BOTTOM = PLOT.top + PLOT.height;
export const PANEL = { width: PLOT.left + PLOT.width + PLOT.right, height: PLOT_BOTTOM + PLOT.bottom };
/** About as many round numbers stand at an axis. */
export const TICKS = 5;

export interface Frame {
  title: string;
  xLabel: string;
  yLabel: string;
  /** From values to pixels. */
  y: ScaleContinuousNumeric<number, number>;
  /** How values of the y axis are written. */
  format: (value: number) => string;
}

/** A chart's title, the names of its axes, and lines at round values of y. */
export function frameMarkup({ title, xLabel, yLabel, y, format }: Frame): string[] {
  return [
    label(PLOT.left, 16, title, { 'font-size': 14, 'font-weight': 600 }),
    ...y
      .ticks(TICKS)
      .flatMap((tick) => [
        element('line', { x1: PLOT.left, x2: PLOT.left + PLOT.width, y1: y(tick), y2: y(tick), stroke: GRID_INK }),
        label(PLOT.left - 8, y(tick) + 4, format(tick), { 'text-anchor': 'end' }),
      ]),
    label(PLOT.left + PLOT.width / 2, PLOT_BOTTOM + 40, xLabel, { 'text-anchor': 'middle', fill: FAINT_INK }),
    label(0, 0, yLabel, {
      'text-anchor': 'middle',
      fill: FAINT_INK,
      transform: `translate(12 ${PLOT.top + PLOT.height / 2}) rotate(-90)`,
    }),
  ];
}
