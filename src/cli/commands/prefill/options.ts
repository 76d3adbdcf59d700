import { parseTokenCount } from '../../../utils/parse-size.js';
import { loadOptions } from '../../options/common.js';
import type { OptionSpec } from '../../options/option.js';
import { choice, flag, integer, optional, parsedText, path, text } from '../../options/option-types.js';
import { patternOptions } from '../../options/pattern-options.js';

const shape = async () => (await import('../../../api/options.js')).prefillPromptSchema.shape;

const PROMPT = 'Prompt:';
const PREFILL = 'Prefill:';

export const prefillOptions = {
  ...loadOptions,
  prompt: {
    flags: '--prompt <text>',
    help: 'the prompt itself',
    group: PROMPT,
    example: '--prompt "Once upon a time"',
    schema: optional(text(async () => (await shape()).system)),
  },
  promptFile: {
    flags: '--prompt-file <file>',
    help: 'file with the prompt in UTF-8; - or nothing reads stdin',
    group: PROMPT,
    example: '--prompt-file book.txt',
    schema: optional(path),
  },
  system: {
    flags: '--system <text>',
    help: 'system message, where the model’s chat template takes one',
    group: PROMPT,
    example: '--system "Answer in one word."',
    schema: optional(text(async () => (await shape()).system)),
  },
  chatTemplate: {
    flags: '--no-chat-template',
    help: 'give the prompt to the model as it is',
    group: PROMPT,
    example: '--no-chat-template',
    schema: flag,
  },
  ...patternOptions(
    PREFILL,
    'pattern file, dense, or auto: the file in configs/ that was made for this model, else dense',
  ),
  maxNewTokens: {
    flags: '--max-new-tokens <n>',
    help: 'most tokens to generate after the prompt',
    default: '64',
    group: PREFILL,
    example: '--max-new-tokens 16',
    schema: integer(async () => (await shape()).maxNewTokens),
  },
  denseFallback: {
    flags: '--no-dense-fallback',
    help: 'compute every head as its pattern says, also where dense attention is as fast',
    group: PREFILL,
    example: '--no-dense-fallback',
    schema: flag,
  },
  chunk: {
    flags: '--chunk <tokens>',
    help: 'prefill in pieces of this many tokens (default: as many as memory allows)',
    group: PREFILL,
    example: '--chunk 8k',
    schema: optional(parsedText(parseTokenCount)),
  },
  compare: {
    flags: '--compare <name>',
    help: 'dense: run dense attention too and report speed-up, agreement of the logits and both texts',
    group: PREFILL,
    example: '--compare dense',
    schema: optional(choice(async () => (await import('../../../utils/option-schemas.js')).oneOf(['dense']))),
  },
} satisfies Record<string, OptionSpec>;
