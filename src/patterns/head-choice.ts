import { z } from 'zod';
import type { ExplicitIndex } from './explicit-index.js';
import { encodeHeadPattern, type HeadPattern } from './head-pattern.js';
import { MAX_TOKENS } from './limits.js';
import { headSchema } from './pattern-file.js';

const size = z.int().min(0).max(MAX_TOKENS);
const share = z.number().min(0).max(1);

/**
 * Other methods of choosing keys, for comparison; kernels/rivals/README.md describes them. Not in pattern files. Sizes are in
 * tokens, `blocks` in blocks of 128 keys.
 */
const rivalSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('top_k'), keys: size.describe('per block of 64 rows') }),
  z.strictObject({ type: z.literal('flexprefill'), gamma: share, minBudget: size }),
  z.strictObject({
    type: z.literal('xattention'),
    threshold: share,
    stride: z.int().min(1).max(128).describe('divides 128'),
  }),
  z.strictObject({ type: z.literal('flashprefill'), alpha: share }),
  z.strictObject({ type: z.literal('infllm'), blocks: size, window: size }),
]);
export type RivalPattern = z.infer<typeof rivalSchema>;

/** An index that the caller gives, or a function of the prompt's tokens that makes it. */
export interface ExplicitPattern {
  type: 'explicit';
  index: ExplicitIndex | ((tokens: number) => ExplicitIndex);
}

/** Which keys a head computes: a pattern, as files have them, or what only a caller can give. */
export type HeadChoice = HeadPattern | RivalPattern | ExplicitPattern;

const numbers = z.custom<ArrayLike<number>>(
  (value) => Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value),
  { error: 'expected a list of numbers' },
);

const explicitSchema = z.strictObject({
  type: z.literal('explicit'),
  index: z.union([
    z.custom<(tokens: number) => ExplicitIndex>((value) => typeof value === 'function'),
    z.strictObject({ rangeOffsets: numbers, ranges: numbers, columnOffsets: numbers, columns: numbers }),
  ]),
});

/** What the lists of an index hold is the ops' to check. */
export const choiceSchema = z.discriminatedUnion('type', [
  ...headSchema.options,
  ...rivalSchema.options,
  explicitSchema,
]);

/** Kinds of rows beyond those of patterns; mirrors kernels/include/minference/pattern.h. */
const KIND = { explicit: 4, top_k: 5, flexprefill: 6, xattention: 7, flashprefill: 8, infllm: 9 } as const;

const millionths = (value: number) => Math.round(value * 1e6);

/**
 * One row of `head_patterns` (int32 [num_heads, 4]): kind, a, b, flags.
 *
 * @param number which of the layer's indices an explicit head takes
 */
export function encodeChoice(choice: HeadChoice, flags: number, number: number): [number, number, number, number] {
  switch (choice.type) {
    case 'explicit':
      return [KIND.explicit, number, 0, flags];
    case 'top_k':
      return [KIND.top_k, choice.keys, 0, flags];
    case 'flexprefill':
      return [KIND.flexprefill, millionths(choice.gamma), choice.minBudget, flags];
    case 'xattention':
      return [KIND.xattention, millionths(choice.threshold), choice.stride, flags];
    case 'flashprefill':
      return [KIND.flashprefill, millionths(choice.alpha), 0, flags];
    case 'infllm':
      return [KIND.infllm, choice.blocks, choice.window, flags];
    default:
      return encodeHeadPattern(choice, flags);
  }
}
