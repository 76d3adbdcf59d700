import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { z } from 'zod';
import { MAX_CONFIG_BYTES } from './limits.js';
import { parseJson } from './parse-json.js';
import { readTextFile } from './read-text.js';

const templateList = z.array(z.looseObject({ name: z.string(), template: z.string() })).max(64);
/** One Jinja template, several named ones, or none. */
export const chatTemplateSchema = z.union([z.string(), templateList, z.record(z.string(), z.string())]).nullish();

export type ChatTemplate = z.infer<typeof chatTemplateSchema>;

/**
 * The chat template that lies in a file of its own, as newer exporters write it: chat_template.jinja, then
 * chat_template.json. Undefined when the folder has neither; then tokenizer_config.json may hold one.
 *
 * @throws MinferenceError TOKENIZER_INVALID
 */
export async function readChatTemplateFile(folder: string): Promise<ChatTemplate> {
  const limits = { maxBytes: MAX_CONFIG_BYTES, code: 'TOKENIZER_INVALID' } as const;
  const jinja = await readTextFile(join(folder, 'chat_template.jinja'), limits);
  if (jinja !== undefined) return jinja;
  const file = join(folder, 'chat_template.json');
  const json = await readTextFile(file, limits);
  if (json === undefined) return undefined;
  return parseJson(json, z.looseObject({ chat_template: chatTemplateSchema }), file, limits.code).chat_template;
}

/**
 * Fills a template as transformers' `apply_chat_template` does: with `tools` and `documents` empty, and of several
 * templates the one named "default".
 *
 * @param variables - `messages`, `add_generation_prompt`, and the special tokens by the names that templates use
 * @throws Error with the template engine's or the template's own words
 */
export function renderChatTemplate(template: ChatTemplate, variables: Record<string, unknown>): string {
  const source = chooseTemplate(template);
  return new Template(source).render({ tools: null, documents: null, ...variables });
}

function chooseTemplate(template: ChatTemplate): string {
  if (!template) throw new Error('expected a chat template, found none');
  if (typeof template === 'string') return template;
  const named = Array.isArray(template)
    ? new Map(template.map((one) => [one.name, one.template]))
    : new Map(Object.entries(template));
  const source = named.get('default');
  if (source === undefined)
    throw new Error(`expected a template named "default", found ${[...named.keys()].join(', ')}`);
  return source;
}
