import { expect, test } from 'vitest';
import type { TextTokenizer } from '../../src/model/tokenizer.js';
import { buildPrompt } from '../../src/prefill/chat.js';

/** One token per UTF-16 unit; −1 stands for BOS. */
function fakeTokenizer(hasChatTemplate: boolean): TextTokenizer {
  return {
    encode: (text, { addSpecialTokens = true } = {}) => [
      ...(addSpecialTokens ? [-1] : []),
      ...[...text].map((character) => character.codePointAt(0)!),
    ],
    decode: (ids) => String.fromCodePoint(...ids),
    hasChatTemplate,
    applyChatTemplate: (messages, { addGenerationPrompt = true } = {}) =>
      messages.map(({ role, content }) => `[${role}]${content}`).join('') + (addGenerationPrompt ? '[assistant]' : ''),
    eosTokenIds: [],
    maxTokenLength: 2,
  };
}

const text = (ids: number[]) => String.fromCodePoint(...ids);

test('the chat template, its generation prompt, then the answer prefix as it is', () => {
  const tokenizer = fakeTokenizer(true);
  expect(text(buildPrompt(tokenizer, 'hi'))).toBe('[user]hi[assistant]');
  expect(text(buildPrompt(tokenizer, 'hi', { answerPrefix: ' The ', system: 'be brief' }))).toBe(
    '[system]be brief[user]hi[assistant] The ',
  );
});

test('without template, or unwanted: the text with special tokens', () => {
  const plain = buildPrompt(fakeTokenizer(false), 'hi', { answerPrefix: ' The' });
  expect([plain[0], text(plain.slice(1))]).toEqual([-1, 'hi The']);
  const raw = buildPrompt(fakeTokenizer(true), 'hi', { chat: false });
  expect([raw[0], text(raw.slice(1))]).toEqual([-1, 'hi']);
});

test('bad prompts', () => {
  const tokenizer = fakeTokenizer(true);
  expect(() => buildPrompt(tokenizer, '')).toThrow(expect.objectContaining({ code: 'PROMPT_INVALID' }));
  expect(() => buildPrompt(tokenizer, 'a\uD800b')).toThrow(/half of a surrogate pair/);
  expect(text(buildPrompt(tokenizer, '👩'))).toContain('👩');
  expect(() => buildPrompt(tokenizer, 'x'.repeat(21), { contextLength: 10 })).toThrow(
    expect.objectContaining({ code: 'PROMPT_TOO_LONG', message: expect.stringMatching(/10 tokens.*at least 11/) }),
  );
  expect(() => buildPrompt(tokenizer, 'x'.repeat(20), { contextLength: 10 })).not.toThrow();
  expect(() => buildPrompt(tokenizer, 'x', { chat: false, system: 's' })).toThrow(
    expect.objectContaining({ code: 'USAGE' }),
  );
});
