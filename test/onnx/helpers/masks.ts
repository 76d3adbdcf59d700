import type { TinyGraph } from './tiny-graph.js';

/** Masks that are causal in fact. */
export type CausalMask = 'bool' | 'additive' | 'inverted' | 'trilu' | 'window' | 'window of a triangle' | 'padding';
/** Masks that look like it and are not. */
export type OtherMask =
  | 'bidirectional'
  | 'ahead'
  | 'chunked'
  | 'prefix'
  | 'weak'
  | 'tokens'
  | 'input'
  | 'heads'
  | 'rows'
  | 'unknown'
  | 'rows, computed'
  | 'last row'
  | 'rows in a window'
  | 'rows by a fraction'
  | 'both ways when long'
  | 'ahead when long'
  | 'strict';
export type MaskName = CausalMask | OtherMask;

export const WINDOW = 7;

export interface BuiltMask {
  /** [1 or batch, 1, rows, keys]. */
  name: string;
  /** allowed: true keeps a key; masked: true removes it; additive: added to scores. */
  kind: 'allowed' | 'masked' | 'additive';
}

interface Lengths {
  rows: string;
  keys: string;
  total: string;
  sequence: string;
}

/** Positions of rows [S, 1] and of keys [1, T], as exporters count them. */
function lengths(g: TinyGraph): Lengths {
  const dim = (value: string, axis: number) => g.node('Gather', [g.node('Shape', [value]), g.constant(axis)]);
  const past = dim('past_key_values.0.key', 2);
  const sequence = dim('input_ids', 1);
  const total = g.node('Add', [past, sequence]);
  const positions = g.node('Range', [past, total, g.constant(1)]);
  const rows = g.node('Unsqueeze', [positions, g.constant([1])]);
  const keys = g.node('Unsqueeze', [g.node('Range', [g.constant(0), total, g.constant(1)]), g.constant([0])]);
  return { rows, keys, total, sequence };
}

/** Causal, without the keys up to a diagonal, as tril of ones gives them. */
function triangle(g: TinyGraph, { rows, keys, total, sequence }: Lengths, diagonal: string) {
  const one = g.constant([1]);
  const shape = g.node('Concat', [g.node('Reshape', [sequence, one]), g.node('Reshape', [total, one])], {
    attributes: { axis: { int: 0 } },
  });
  const ones = g.node('Expand', [g.constant(1, 'float32'), shape]);
  const far = g.node('Trilu', [ones, diagonal], { attributes: { upper: { int: 0 } } });
  const near = g.node('Not', [g.node('Cast', [far], { attributes: { to: { int: 9 } } })]);
  return { value: g.node('And', [g.node('LessOrEqual', [keys, rows]), near]), kind: 'allowed' as const };
}

const BUILDERS: Record<MaskName, (g: TinyGraph, l: Lengths) => { value: string; kind: BuiltMask['kind'] }> = {
  bool: (g, { rows, keys }) => ({ value: g.node('LessOrEqual', [keys, rows]), kind: 'allowed' }),
  inverted: (g, { rows, keys }) => ({ value: g.node('Greater', [keys, rows]), kind: 'masked' }),
  additive: (g, { rows, keys }) => {
    const allowed = g.node('LessOrEqual', [keys, rows]);
    const values = [g.constant(0, 'float32'), g.constant(-3.4028234663852886e38, 'float32')];
    return { value: g.node('Where', [allowed, ...values]), kind: 'additive' };
  },
  trilu: (g, { total, sequence }) => {
    const one = g.constant([1]);
    const shape = g.node('Concat', [g.node('Reshape', [sequence, one]), g.node('Reshape', [total, one])], {
      attributes: { axis: { int: 0 } },
    });
    const low = g.node('Expand', [g.constant(-1e9, 'float32'), shape]);
    const diagonal = g.node('Add', [g.node('Sub', [total, sequence]), g.constant(1)]);
    return { value: g.node('Trilu', [low, diagonal], { attributes: { upper: { int: 1 } } }), kind: 'additive' };
  },
  window: (g, { rows, keys }) => {
    const recent = g.node('Greater', [keys, g.node('Sub', [rows, g.constant(WINDOW)])]);
    return { value: g.node('And', [g.node('LessOrEqual', [keys, rows]), recent]), kind: 'allowed' };
  },
  // The window's edge is counted from the first row of the call, as some exports of Gemma-2 do.
  rows: (g, l) => triangle(g, l, g.constant(-4096)),
  // The same, of a distance that is computed.
  'rows, computed': (g, l) => triangle(g, l, g.node('Neg', [g.node('Add', [g.constant(2048), g.constant(2048)])])),
  // Right for one row, wrong for several.
  'last row': (g, l) => triangle(g, l, g.node('Sub', [l.total, g.constant(4097)])),
  'rows in a window': (g, l) => {
    const recent = g.node('Greater', [l.keys, g.node('Sub', [l.rows, g.constant(8192)])]);
    return { value: g.node('And', [triangle(g, l, g.constant(-4096)).value, recent]), kind: 'allowed' };
  },
  // Counted from the first row of the call, too, by a number that is not whole.
  'rows by a fraction': (g, { keys, rows, sequence }) => {
    const number = (value: string) => g.node('Cast', [value], { attributes: { to: { int: 1 } } });
    const inCall = g.node('Unsqueeze', [g.node('Range', [g.constant(0), sequence, g.constant(1)]), g.constant([1])]);
    const edge = g.node('Sub', [number(inCall), g.constant(4096.5, 'float32')]);
    const recent = g.node('Greater', [number(keys), edge]);
    return { value: g.node('And', [g.node('LessOrEqual', [keys, rows]), recent]), kind: 'allowed' };
  },
  // Causal up to so many rows in one call.
  'both ways when long': (g, { keys, rows, sequence }) => {
    const isLong = g.node('Greater', [sequence, g.constant(2048)]);
    return { value: g.node('Or', [g.node('LessOrEqual', [keys, rows]), isLong]), kind: 'allowed' };
  },
  'ahead when long': (g, { keys, rows, sequence }) => {
    const ahead = g.node('Div', [sequence, g.constant(4096)]);
    return { value: g.node('LessOrEqual', [keys, g.node('Add', [rows, ahead])]), kind: 'allowed' };
  },
  'window of a triangle': (g, l) =>
    triangle(g, l, g.node('Sub', [g.node('Sub', [l.total, l.sequence]), g.constant(WINDOW)])),
  padding: (g, { rows, keys }) => {
    const given = g.node('Cast', ['attention_mask'], { attributes: { to: { int: 9 } } });
    const wide = g.node('Unsqueeze', [given, g.constant([1, 2])]);
    return { value: g.node('And', [g.node('LessOrEqual', [keys, rows]), wide]), kind: 'allowed' };
  },
  bidirectional: (g, { rows, keys }) => ({
    value: g.node('GreaterOrEqual', [g.node('Add', [rows, keys]), g.constant(0)]),
    kind: 'allowed',
  }),
  ahead: (g, { rows, keys }) => ({
    value: g.node('LessOrEqual', [keys, g.node('Add', [rows, g.constant(1)])]),
    kind: 'allowed',
  }),
  strict: (g, { rows, keys }) => ({ value: g.node('Less', [keys, rows]), kind: 'allowed' }),
  chunked: (g, { rows, keys }) => {
    const size = g.constant(8192);
    const sameChunk = g.node('Equal', [g.node('Div', [rows, size]), g.node('Div', [keys, size])]);
    return { value: g.node('And', [g.node('LessOrEqual', [keys, rows]), sameChunk]), kind: 'allowed' };
  },
  prefix: (g, { rows, keys }) => {
    const prefix = g.node('Less', [keys, g.constant(2)]);
    return { value: g.node('Or', [g.node('LessOrEqual', [keys, rows]), prefix]), kind: 'allowed' };
  },
  weak: (g, { rows, keys }) => {
    const distance = g.node('Cast', [g.node('Sub', [keys, rows])], { attributes: { to: { int: 1 } } });
    return { value: g.node('Mul', [distance, g.constant(0.5, 'float32')]), kind: 'additive' };
  },
  tokens: (g, { rows, keys }) => {
    const kept = g.node('Unsqueeze', [g.node('Less', ['input_ids', g.constant(1000)]), g.constant([1, 3])]);
    return { value: g.node('And', [g.node('LessOrEqual', [keys, rows]), kept]), kind: 'allowed' };
  },
  input: (g) => ({
    value: g.input('attention_mask_4d', 'float32', ['batch_size', 1, 'sequence_length', 'total_sequence_length']),
    kind: 'additive',
  }),
  unknown: (g, { rows, keys }) => {
    const states = g.input('encoder_states', 'float32', ['batch_size', 'encoder_length', 8]);
    const length = g.node('Gather', [g.node('Shape', [states]), g.constant(1)]);
    const seen = g.node('And', [g.node('LessOrEqual', [keys, rows]), g.node('Not', [g.node('Less', [keys, length])])]);
    return { value: seen, kind: 'allowed' };
  },
  heads: (g, { rows, keys }) => {
    const shift = g.constant([0, 0, 0, 1], 'int64', [1, 4, 1, 1]);
    return { value: g.node('LessOrEqual', [keys, g.node('Sub', [rows, shift])]), kind: 'allowed' };
  },
};

/** Adds a mask of four dimensions to a graph. */
export function buildMask(g: TinyGraph, mask: MaskName): BuiltMask {
  const { value, kind } = BUILDERS[mask](g, lengths(g));
  const isWide = ['padding', 'tokens', 'input', 'heads'].includes(mask);
  return { name: isWide ? value : g.node('Unsqueeze', [value, g.constant([0, 1])]), kind };
}
