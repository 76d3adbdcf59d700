import { join } from 'node:path';
import { z } from 'zod';
import { MinferenceError } from '../errors.js';
import { defined } from '../utils/defined.js';
import { chatTemplateSchema, readChatTemplateFile } from './chat-template.js';
import { MAX_CONFIG_BYTES, MAX_TOKENIZER_BYTES } from './limits.js';
import { parseJson } from './parse-json.js';
import { readModelText } from './read-text.js';

/** The parts without which no tokenizer can be built; the library interprets the rest. */
const tokenizerSchema = z.looseObject({
  model: z.looseObject({ type: z.string().optional(), vocab: z.unknown() }),
  added_tokens: z.array(z.looseObject({ id: z.int().min(0), content: z.string() })).optional(),
});

const tokenizerConfigSchema = z.looseObject({
  tokenizer_class: z.string().nullish(),
  chat_template: chatTemplateSchema,
});

export interface TokenizerFiles {
  json: z.infer<typeof tokenizerSchema>;
  config: z.infer<typeof tokenizerConfigSchema>;
  /** For error messages. */
  file: string;
}

/**
 * Reads tokenizer.json, tokenizer_config.json (optional) and the chat template of a folder.
 *
 * @throws MinferenceError TOKENIZER_INVALID, READ_FAILED
 */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const code = 'TOKENIZER_INVALID';
  const file = join(folder, 'tokenizer.json');
  const text = await readModelText(file, { maxBytes: MAX_TOKENIZER_BYTES, code });
  if (text === undefined) {
    throw new MinferenceError(code, `${folder}: expected tokenizer.json, found none`, {
      hint: 'Copy tokenizer.json and tokenizer_config.json of the original model into the folder.',
    });
  }
  const configFile = join(folder, 'tokenizer_config.json');
  const configText = await readModelText(configFile, { maxBytes: MAX_CONFIG_BYTES, code });
  const config = configText === undefined ? {} : parseJson(configText, tokenizerConfigSchema, configFile, code);
  const template = (await readChatTemplateFile(folder)) ?? config.chat_template;
  return {
    json: parseJson(text, tokenizerSchema, file, code),
    config: { ...config, ...defined({ chat_template: template || undefined }) },
    file,
  };
}
