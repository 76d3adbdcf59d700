import { z } from 'zod';
import { allowDense, chunk, maxNewTokens } from '../prefill/options.js';
import * as option from '../utils/option-schemas.js';

/** What the options of `prefill` must be. Patterns are checked with the model at hand, token ids with its vocabulary. */
export const prefillPromptSchema = z.strictObject({
  prompt: z.custom((value) => typeof value === 'string' || Array.isArray(value), {
    error: 'expected a text or a list of token ids',
  }),
  patterns: z
    .custom((value) => typeof value === 'string' || (typeof value === 'object' && value !== null), {
      error: 'expected "dense", "auto", the path of a pattern file, its contents, or patterns as [layer][head]',
    })
    .optional(),
  ignoreFingerprint: option.yesOrNo.optional(),
  maxNewTokens,
  allowDense,
  chunk,
  system: option.text('a text').optional(),
  chat: option.yesOrNo.optional(),
  signal: option.signal.optional(),
  onChunk: option.callback.optional(),
  onProgress: option.callback.optional(),
  onPrefilled: option.callback.optional(),
  onText: option.callback.optional(),
});
