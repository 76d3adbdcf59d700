import type { TinyGraph } from './tiny-graph.js';

/** What queries, keys or scores are multiplied by: 1 in short calls, more in long ones. */
export type Factor = (g: TinyGraph) => string;

/** Positions of rows as numbers, [1, 1, rows, 1]. */
function positions(g: TinyGraph): string {
  const dim = (value: string, axis: number) => g.node('Gather', [g.node('Shape', [value]), g.constant(axis)]);
  const past = dim('past_key_values.0.key', 2);
  const range = g.node('Range', [past, g.node('Add', [past, dim('input_ids', 1)]), g.constant(1)]);
  return number(g, g.node('Unsqueeze', [range, g.constant([0, 1, 3])]));
}

const number = (g: TinyGraph, value: string) => g.node('Cast', [value], { attributes: { to: { int: 1 } } });

/** The logarithm of positions behind the length of training, to its base, as Qwen-1 scales queries. */
export const logarithm =
  (trained: number): Factor =>
  (g) => {
    const at = positions(g);
    const grown = g.node('Div', [g.node('Log', [at]), g.constant(Math.log(trained), 'float32')]);
    return g.node('Where', [g.node('Greater', [at, g.constant(trained, 'float32')]), grown, g.constant(1, 'float32')]);
  };

/** 1 + 0.1·log(floor(position / step) + 1), as Llama-4 scales queries. */
export const temperature =
  (step: number): Factor =>
  (g) => {
    const steps = g.node('Floor', [g.node('Div', [positions(g), g.constant(step, 'float32')])]);
    const grown = g.node('Log', [g.node('Add', [steps, g.constant(1, 'float32')])]);
    return g.node('Add', [g.node('Mul', [grown, g.constant(0.1, 'float32')]), g.constant(1, 'float32')]);
  };

/** One number for all rows, and another one for each total length. */
export const byLength =
  (trained: number): Factor =>
  (g) => {
    const total = number(g, g.node('Gather', [g.node('Shape', ['attention_mask']), g.constant(1)]));
    return g.node('Max', [g.node('Div', [total, g.constant(trained, 'float32')]), g.constant(1, 'float32')]);
  };

/** 1 + how many tokens there are behind a place. */
export const beyond =
  (place: number): Factor =>
  (g) => {
    const rest = g.node('Slice', ['attention_mask', g.constant([place]), g.constant([2 ** 31 - 1]), g.constant([1])]);
    const count = number(g, g.node('Gather', [g.node('Shape', [rest]), g.constant(1)]));
    return g.node('Add', [count, g.constant(1, 'float32')]);
  };
