import { join } from 'node:path';
import { z } from 'zod';
import { MAX_CONFIG_BYTES } from './limits.js';
import { parseJson } from './parse-json.js';
import { readModelText } from './read-text.js';

const templateList = z.array(z.looseObject({ name: z.string(), template: z.string() })).max(64);
/** One Jinja template, several named ones, or none. */
export const chatTemplateSchema = z.union([z.string(), templateList, z.record(z.string(), z.string())]).nullish();

/**
 * The chat template that lies in a file of its own, as newer exporters write it: chat_template.jinja, then
 * chat_template.json. Undefined when the folder has neither; then tokenizer_config.json may hold one.
 *
 * @throws MinferenceError TOKENIZER_INVALID
 */
export async function readChatTemplateFile(folder: string): Promise<z.infer<typeof chatTemplateSchema>> {
  const limits = { maxBytes: MAX_CONFIG_BYTES, code: 'TOKENIZER_INVALID' } as const;
  const jinja = await readModelText(join(folder, 'chat_template.jinja'), limits);
  if (jinja !== undefined) return jinja;
  const file = join(folder, 'chat_template.json');
  const json = await readModelText(file, limits);
  if (json === undefined) return undefined;
  return parseJson(json, z.looseObject({ chat_template: chatTemplateSchema }), file, limits.code).chat_template;
}
