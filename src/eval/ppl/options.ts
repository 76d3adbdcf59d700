import { z } from 'zod';
import * as option from '../../utils/option-schemas.js';
import { MAX_LIST_LENGTH, MAX_TOKEN_COUNT } from '../../utils/parse-size.js';
import { runShape, suiteShape } from '../run-options.js';

/**
 * What `eval ppl` measures. By default lengths of 1k, 2k, 4k, 8k and 16k that the model takes, ten documents and the methods
 * `dense,minference`.
 */
export interface PplOptions {
  /** Folder or file with documents (.txt, .md, .json, .jsonl, each also .gz); default: the texts in datasets/haystack. */
  texts?: string;
  /** First tokens of each document that are scored; those beyond the model's positions slide. */
  lengths?: readonly number[];
  /** Most documents: the first ones that have the longest length. */
  documents?: number;
  /** Methods to compare on the same documents; see parseMethods. */
  methods?: string | readonly string[];
  /** Most tokens of one prefill; default: the model's positions. */
  window?: number;
  /** Tokens that the window moves on by where a length is longer; default: half of the window. */
  stride?: number;
}

const MIN_TOKENS = 2;
const MAX_DOCUMENTS = 100_000;
const tokens = option.wholeNumber('a number of tokens', MIN_TOKENS, MAX_TOKEN_COUNT);

export const pplShape = {
  texts: option.text('a folder or a file of texts').optional(),
  lengths: z
    .array(tokens, { error: `expected from 1 to ${MAX_LIST_LENGTH} numbers of tokens` })
    .min(1)
    .max(MAX_LIST_LENGTH)
    .optional(),
  documents: option.wholeNumber('a number of documents', 1, MAX_DOCUMENTS).optional(),
  methods: suiteShape.methods,
  window: tokens.optional(),
  stride: option.tokenCount().optional(),
};

export const pplOptionsSchema = z
  .strictObject({ ...runShape, ...pplShape })
  .omit({ shard: true, kv: true, equalCost: true });
