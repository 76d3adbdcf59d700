import type { OptionSpec } from './option.js';
import { flag, text } from './option-types.js';

/** `--patterns` and `--force`, as prefill and eval take them. */
export const patternOptions = (group: string, help: string) =>
  ({
    patterns: {
      flags: '--patterns <file|name>',
      help,
      default: 'auto',
      group,
      example: '--patterns patterns.json',
      schema: text(async () => (await import('../../utils/option-schemas.js')).patternSource),
    },
    force: {
      flags: '--force',
      help: 'use the pattern file although the model is another export or quantisation than the one searched',
      group,
      example: '--force',
      schema: flag,
    },
  }) satisfies Record<string, OptionSpec>;
