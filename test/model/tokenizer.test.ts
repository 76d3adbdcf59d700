import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { embeddedModelFolder } from '../../src/model/embedded.js';
import { createTokenStream } from '../../src/model/token-stream.js';
import { loadTokenizer, type TextTokenizer } from '../../src/model/tokenizer.js';
import { byteTokenizer, writeFolder } from './helpers.js';

const text = readFileSync(fileURLToPath(new URL('../../LICENSE', import.meta.url)), 'utf8');
let embedded: TextTokenizer;
beforeAll(async () => {
  embedded = await loadTokenizer({ folder: embeddedModelFolder() });
});

test('encodes with and without special tokens, decodes back', () => {
  const ids = embedded.encode(text);
  expect(ids[0]).toBe(1);
  expect(embedded.encode(text, { addSpecialTokens: false })).toEqual(ids.slice(1));
  expect(embedded.decode(ids)).toBe(text);
  expect(embedded.decode(ids, { skipSpecialTokens: false })).toBe(`<|bos|>${text}`);
  expect(embedded.encode('', { addSpecialTokens: false })).toEqual([]);
  expect(embedded.decode([])).toBe('');
});

test('special tokens in the text are single ids', () => {
  expect(embedded.encode('<|user|>\nx<|end|>', { addSpecialTokens: false }).slice(0, 1)).toEqual([3]);
  expect(embedded.encode('x<|end|>', { addSpecialTokens: false }).at(-1)).toBe(5);
});

test('the chat template of tokenizer_config.json', () => {
  expect(embedded.hasChatTemplate).toBe(true);
  expect(embedded.applyChatTemplate([{ role: 'user', content: 'hi' }])).toBe(
    '<|bos|><|user|>\nhi<|end|>\n<|assistant|>\n',
  );
  expect(embedded.applyChatTemplate([{ role: 'user', content: 'hi' }], { addGenerationPrompt: false })).toBe(
    '<|bos|><|user|>\nhi<|end|>\n',
  );
});

test('half a megabyte: pieces cut at blank lines equal the whole', () => {
  const paragraphs = Array.from({ length: 500 }, (_, i) => `${i}\n${text.slice(0, 1000)}`);
  // A newline before a letter always starts a new word of this tokenizer, so encoding is local to the pieces.
  const whole = embedded.encode(paragraphs.join('\n'), { addSpecialTokens: false });
  const pieces = paragraphs.flatMap((paragraph, i) =>
    embedded.encode(i === 0 ? paragraph : `\n${paragraph}`, { addSpecialTokens: false }),
  );
  expect(whole).toEqual(pieces);
});

test('a stream never shows half a character and adds up to the whole text', () => {
  const source = 'naïve café — 日本語 👩‍💻 \n\n end of it '.repeat(20);
  const ids = embedded.encode(source, { addSpecialTokens: false });
  const stream = createTokenStream(embedded);
  const parts = ids.map((id) => stream.push(id));
  for (const part of parts) expect(part).not.toContain('\uFFFD');
  expect(parts.join('') + stream.end()).toBe(source);
  expect(parts.filter((part) => part === '').length).toBeGreaterThan(0);
});

test('a stream gives up on bytes that never become a character', () => {
  const [lone] =
    embedded.encode('é', { addSpecialTokens: false }).length > 1
      ? embedded.encode('é', { addSpecialTokens: false })
      : embedded.encode('👩', { addSpecialTokens: false });
  const stream = createTokenStream(embedded);
  const parts = Array.from({ length: 12 }, () => stream.push(lone!));
  expect(parts.join('').length).toBeGreaterThan(0);
  expect(parts.join('') + stream.end()).toMatch(/^\uFFFD+$/);
});

test('the longest token bounds how few tokens a text can have', () => {
  const spaces = ' '.repeat(10_000);
  const ids = embedded.encode(spaces, { addSpecialTokens: false });
  expect(ids.length).toBeGreaterThanOrEqual(Math.ceil(spaces.length / embedded.maxTokenLength));
});

const tokenizer = { 'tokenizer.json': byteTokenizer() };

test('a chat template in a file of its own wins over tokenizer_config.json', async () => {
  const messages = [{ role: 'user' as const, content: 'the' }];
  const config = { chat_template: 'config:{{ messages[0].content }}', bos_token: '<s>' };
  const jinja = await loadTokenizer({
    folder: writeFolder({
      ...tokenizer,
      'tokenizer_config.json': config,
      'chat_template.jinja': '{{ bos_token }}jinja:{{ messages[0].content }}{% if add_generation_prompt %}!{% endif %}',
    }),
  });
  expect(jinja.applyChatTemplate(messages)).toBe('<s>jinja:the!');
  const json = await loadTokenizer({
    folder: writeFolder({
      ...tokenizer,
      'tokenizer_config.json': config,
      'chat_template.json': { chat_template: 'json' },
    }),
  });
  expect(json.applyChatTemplate(messages)).toBe('json');
  const plain = await loadTokenizer({ folder: writeFolder({ ...tokenizer, 'tokenizer_config.json': config }) });
  expect(plain.applyChatTemplate(messages)).toBe('config:the');
  expect(plain.encode('the the')).toEqual([34, 35]);
});

test('no template, no tokenizer_config.json', async () => {
  const plain = await loadTokenizer({ folder: writeFolder(tokenizer) });
  expect(plain.hasChatTemplate).toBe(false);
  expect(plain.encode('the')).toEqual([34]);
  expect(() => plain.applyChatTemplate([{ role: 'user', content: 'x' }])).toThrow(/chat template fails/);
});

test.each<[string, Record<string, string | Uint8Array | object>, RegExp]>([
  ['no tokenizer.json', { 'tokenizer_config.json': {} }, /expected tokenizer\.json, found none/],
  ['broken JSON', { 'tokenizer.json': '{"model":' }, /tokenizer\.json: expected JSON/],
  ['not UTF-8', { 'tokenizer.json': new Uint8Array([0xff, 0xfe, 0x00]) }, /tokenizer\.json: expected text in UTF-8/],
  ['no model', { 'tokenizer.json': { version: '1.0' } }, /field "model": .*nothing/],
  ['an unknown model', { 'tokenizer.json': { model: { type: 'Nonsense', vocab: {} } } }, /expected a tokenizer, found/],
  ['a wrong template', { ...tokenizer, 'tokenizer_config.json': { chat_template: 7 } }, /field "chat_template"/],
])('%s', async (_, files, message) => {
  const folder = writeFolder(files);
  await expect(loadTokenizer({ folder })).rejects.toMatchObject({ code: 'TOKENIZER_INVALID' });
  await expect(loadTokenizer({ folder })).rejects.toThrow(message);
  await expect(loadTokenizer({ folder: join(folder, 'missing') })).rejects.toMatchObject({ code: 'TOKENIZER_INVALID' });
});

test('a template that fails says so', async () => {
  const broken = await loadTokenizer({
    folder: writeFolder({ ...tokenizer, 'chat_template.jinja': '{{ raise_exception("no system role") }}' }),
  });
  expect(() => broken.applyChatTemplate([{ role: 'system', content: 'x' }])).toThrow(/no system role/);
});
