import type { PreTrainedTokenizer } from '@huggingface/transformers';
import { MinferenceError } from '../errors.js';
import type { ModelDirectory } from './model-directory.js';
import { readTokenizerFiles, type TokenizerFiles } from './tokenizer-files.js';

/** A message of a conversation, as chat templates take it. */
export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** Text ↔ token ids. */
export interface TextTokenizer {
  /** @param options.addSpecialTokens - also what the model expects around a text, such as BOS (default true) */
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
  /** @param options.skipSpecialTokens - leave out BOS, turn markers … (default true) */
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string;
  readonly hasChatTemplate: boolean;
  /**
   * The conversation as the text that the model was trained on.
   *
   * @throws MinferenceError TOKENIZER_INVALID when there is no template or it fails
   */
  applyChatTemplate(messages: readonly ChatMessage[], options?: { addGenerationPrompt?: boolean }): string;
  /** Ids that end an answer according to the tokenizer. */
  readonly eosTokenIds: number[];
  /** UTF-16 units of the longest token: a text of n units has at least n / maxTokenLength tokens. */
  readonly maxTokenLength: number;
}

/**
 * Loads the tokenizer of a model folder with @huggingface/transformers' classes. Reads only local files.
 *
 * @throws MinferenceError TOKENIZER_INVALID, READ_FAILED
 */
export async function loadTokenizer(directory: Pick<ModelDirectory, 'folder'>): Promise<TextTokenizer> {
  const files = await readTokenizerFiles(directory.folder);
  const tokenizer = await construct(files);
  return {
    encode: (text, { addSpecialTokens = true } = {}) =>
      text === '' && !addSpecialTokens ? [] : tokenizer.encode(text, { add_special_tokens: addSpecialTokens }),
    decode: (ids, { skipSpecialTokens = true } = {}) =>
      ids.length === 0 ? '' : tokenizer.decode([...ids], { skip_special_tokens: skipSpecialTokens }),
    hasChatTemplate: Boolean(tokenizer.chat_template),
    applyChatTemplate: (messages, { addGenerationPrompt = true } = {}) =>
      renderChat(tokenizer, messages, addGenerationPrompt, files.file),
    eosTokenIds: typeof tokenizer.eos_token_id === 'number' ? [tokenizer.eos_token_id] : [],
    maxTokenLength: longestToken(files.json),
  };
}

async function construct({ json, config, file }: TokenizerFiles): Promise<PreTrainedTokenizer> {
  const transformers = await import('@huggingface/transformers');
  // The class that AutoTokenizer would choose; it differs from the base only in special cases.
  const name = config.tokenizer_class?.replace(/Fast$/, '') ?? 'PreTrainedTokenizer';
  const known = (transformers as Record<string, unknown>)[name];
  const isTokenizer = (value: unknown): value is typeof PreTrainedTokenizer =>
    typeof value === 'function' &&
    (value as { prototype?: unknown }).prototype instanceof transformers.PreTrainedTokenizer;
  const Tokenizer = isTokenizer(known) ? known : transformers.PreTrainedTokenizer;
  try {
    return new Tokenizer(json, config);
  } catch (cause) {
    throw new MinferenceError('TOKENIZER_INVALID', `${file}: expected a tokenizer, found ${(cause as Error).message}`, {
      hint: 'The file is damaged or of a kind that @huggingface/transformers does not know. Download it again.',
      cause,
    });
  }
}

function renderChat(
  tokenizer: PreTrainedTokenizer,
  messages: readonly ChatMessage[],
  addGenerationPrompt: boolean,
  file: string,
): string {
  try {
    return tokenizer.apply_chat_template(
      messages.map((message) => ({ ...message })),
      { tokenize: false, add_generation_prompt: addGenerationPrompt },
    );
  } catch (cause) {
    throw new MinferenceError('TOKENIZER_INVALID', `${file}: the chat template fails: ${(cause as Error).message}`, {
      hint: 'Use --no-chat-template to give the prompt as it is, or correct the template.',
      cause,
    });
  }
}

/** Over vocabulary and added tokens. Byte-level vocabularies count bytes, which are never fewer than UTF-16 units. */
function longestToken(json: TokenizerFiles['json']): number {
  const { vocab } = json.model;
  const tokens = Array.isArray(vocab)
    ? vocab.map((entry) => (Array.isArray(entry) ? entry[0] : entry))
    : Object.keys((vocab ?? {}) as object);
  let longest = 1;
  for (const token of tokens) if (typeof token === 'string') longest = Math.max(longest, token.length);
  for (const { content } of json.added_tokens ?? []) longest = Math.max(longest, content.length);
  return longest;
}
