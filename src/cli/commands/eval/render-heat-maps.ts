import type { ChalkInstance } from 'chalk';
import { depthAxes, depthPanel } from '../../../eval/harness/draw-heat-maps.js';
import type { EvalResults } from '../../../eval/harness/results.js';
import { inkOn, scaleColor } from '../../../plot/color-scale.js';

const NARROWEST = 4;

/**
 * The heat maps of depth × length for a terminal, one per method: scores that read without colour too. Without an evaluation by
 * depths nothing, on terminals too narrow for a row a line that says so.
 *
 * @param columns of the terminal; undefined: as wide as needed
 */
export function renderHeatMaps(results: EvalResults, style: ChalkInstance, columns = Infinity): string[] {
  const { lengths, depths, methods } = results.options;
  if (depths === null || lengths.length * depths.length < 2) return [];
  const axes = depthAxes({ lengths, depths });
  const cell = Math.max(NARROWEST, ...axes.columns.ticks.map((tick) => tick.length + 1));
  const label = Math.max('depth'.length, ...axes.rows.ticks.map((tick) => tick.length));
  const width = label + 1 + cell * lengths.length;
  if (width > columns) {
    return [style.dim(`heat maps need a terminal of ${width} columns; they are among the pictures`), ''];
  }
  const header = [' '.repeat(label + 1), ...axes.columns.ticks.map((tick) => tick.padStart(cell - 1).padEnd(cell))];
  return methods.flatMap(({ name }) => {
    const { note, values } = depthPanel(results, name, { lengths, depths });
    const rows = values.map((scores, row) => {
      const cells = scores.map((score) => paint(score, cell, style));
      return `${axes.rows.ticks[row]!.padStart(label)} ${cells.join('')}`;
    });
    return [`${style.bold(name)}${note ? `  ${note}` : ''}`, style.dim(header.join('').trimEnd()), ...rows, ''];
  });
}

function paint(score: number | null, width: number, style: ChalkInstance): string {
  const text = (score === null ? '–' : score.toFixed(0)).padStart(width - 1).padEnd(width);
  return score === null ? text : style.bgHex(scaleColor(score / 100)).hex(inkOn(score / 100))(text);
}
