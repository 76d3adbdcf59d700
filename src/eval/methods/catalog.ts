import type { HeadChoice } from '../../patterns/head-choice.js';
import { dilated, strided, triShape } from './window-indices.js';

/** What a size of a method is written as. */
export type SizeKind = 'tokens' | 'share';

/** A method that gives all heads the same choice of keys. */
export interface MethodKind {
  sizes: readonly { name: string; kind: SizeKind }[];
  /** Sizes of its publication. */
  paper: readonly number[];
  /** Sizes from the fewest keys (`share` 0) to all of them (1), for prompts of `length` tokens. */
  scaled(share: number, length: number): readonly number[];
  choice(sizes: readonly number[]): HeadChoice;
  /** Its cost depends on the prompt, not only on its length. */
  varies?: boolean;
  /** It gives indices of its own to the ops (graphs with inputs for them). */
  explicit?: boolean;
}

const tokens = (...names: string[]) => names.map((name) => ({ name, kind: 'tokens' as const }));
const share = (name: string) => ({ name, kind: 'share' as const });

/** Three digits are enough, and the same on every machine. */
const rounded = (value: number) => Math.max(1, Math.round(Number(value.toPrecision(3))));
/** Parts of as many keys as `share` of the prompt has. */
const parts =
  (...weights: number[]) =>
  (share: number, length: number) =>
    weights.map((weight) => rounded(weight * share * length));

const STREAMING = {
  sizes: tokens('sink', 'window'),
  paper: [1024, 4096], // arXiv 2407.02490, section 4
  scaled: parts(0.2, 0.8),
  choice: ([sink, window]: readonly number[]) => ({ type: 'a_shape', sink: sink!, window: window! }),
} satisfies MethodKind;

/** Sizes of vertical_slash in arXiv 2407.02490, table 7: the largest number of columns, and the diagonals beside it. */
const VERTICAL_SLASH = [1000, 6096] as const;

/** Methods by their names; kernels/rivals/README.md describes those whose keys depend on the prompt. */
export const CATALOG = {
  a_shape: STREAMING,
  streaming_llm: STREAMING,
  streaming_llm_dilated: {
    sizes: tokens('sink', 'window'),
    paper: [1024, 8192], // arXiv 2407.02490, section 4
    scaled: parts(0.2, 1.6),
    choice: ([sink, window]) => ({ type: 'explicit', index: dilated(sink!, window!) }),
    explicit: true,
  },
  streaming_llm_strided: {
    sizes: tokens('sink', 'window', 'dilated window'),
    paper: [1024, 2048, 4096], // arXiv 2407.02490, section 4
    scaled: parts(0.2, 0.4, 0.8),
    choice: ([sink, window, wide]) => ({ type: 'explicit', index: strided(sink!, window!, wide!) }),
    explicit: true,
  },
  tri_shape: {
    sizes: tokens('sink', 'window', 'last rows'),
    paper: [1024, 4096, 128], // the sizes of streaming_llm, and two blocks of last rows
    scaled: (share, length) => [...parts(0.2, 0.8)(share, length), 64],
    choice: ([sink, window, last]) => ({ type: 'explicit', index: triShape(sink!, window!, last!) }),
    explicit: true,
  },
  vertical_slash: {
    sizes: tokens('columns', 'diagonals'),
    paper: VERTICAL_SLASH, // arXiv 2407.02490, table 7
    scaled: parts(0.15, 0.85),
    choice: ([vertical, slash]) => ({ type: 'vertical_slash', vertical: vertical!, slash: slash! }),
    varies: true,
  },
  vertical: {
    sizes: tokens('columns'),
    paper: [VERTICAL_SLASH[0]], // arXiv 2407.02490, table 7
    scaled: parts(1),
    choice: ([vertical]) => ({ type: 'vertical_slash', vertical: vertical!, slash: 1 }),
    varies: true,
  },
  slash: {
    sizes: tokens('diagonals'),
    paper: [VERTICAL_SLASH[1]], // arXiv 2407.02490, table 7
    scaled: parts(1),
    choice: ([slash]) => ({ type: 'vertical_slash', vertical: 0, slash: slash! }),
    varies: true,
  },
  block_sparse: {
    sizes: tokens('blocks'),
    paper: [100], // arXiv 2407.02490, table 7
    scaled: (share, length) => [rounded((share * length) / 64)],
    choice: ([blocks]) => ({ type: 'block_sparse', blocks: blocks! }),
  },
  top_k: {
    sizes: tokens('keys'),
    paper: [4096], // arXiv 2407.02490
    scaled: parts(1),
    choice: ([keys]) => ({ type: 'top_k', keys: keys! }),
    varies: true,
  },
  infllm: {
    sizes: tokens('blocks', 'window'),
    paper: [16, 8192], // arXiv 2407.02490, section 4; blocks of arXiv 2402.04617
    scaled: (share, length) => [rounded((0.2 * share * length) / 128), rounded(0.8 * share * length)],
    choice: ([blocks, window]) => ({ type: 'infllm', blocks: blocks!, window: window! }),
  },
  flexprefill: {
    sizes: [share('γ'), ...tokens('least tokens')],
    paper: [0.95, 1024], // arXiv 2502.20766
    // The least budget shrinks too, or short prompts have no choice.
    scaled: (share, length) => [thousandths(share), rounded((share * share * length) / 4)],
    choice: ([gamma, minBudget]) => ({ type: 'flexprefill', gamma: gamma!, minBudget: minBudget! }),
    varies: true,
  },
  xattention: {
    sizes: [share('threshold'), ...tokens('stride')],
    paper: [0.9, 8], // arXiv 2503.16428
    scaled: (share) => [thousandths(share), 8],
    choice: ([threshold, stride]) => ({ type: 'xattention', threshold: threshold!, stride: stride! }),
    varies: true,
  },
  flashprefill: {
    sizes: [share('α')],
    paper: [0.1], // arXiv 2608.19758
    // α is a share of the best score: its logarithm is what changes the cost evenly.
    scaled: (share) => [Number((10 ** (-5 * share)).toPrecision(3))],
    choice: ([alpha]) => ({ type: 'flashprefill', alpha: alpha! }),
    varies: true,
  },
} satisfies Record<string, MethodKind>;

export type MethodName = keyof typeof CATALOG;

export const methodKind = (name: MethodName): MethodKind => CATALOG[name];

/** `a_shape of 128 sink, 1024 window`. */
export const describeSizes = (name: MethodName, sizes: readonly number[]): string =>
  `${name} of ${methodKind(name)
    .sizes.map((size, i) => (size.kind === 'share' ? `${size.name} ${sizes[i]}` : `${sizes[i]} ${size.name}`))
    .join(', ')}`;

const thousandths = (value: number) => Math.round(value * 1000) / 1000;
