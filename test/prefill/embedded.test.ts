import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HeadPattern } from '../../src/patterns/head-pattern.js';
import { buildPrompt } from '../../src/prefill/chat.js';
import { Decoder } from '../../src/prefill/decoder.js';

const essays = readFileSync(fileURLToPath(new URL('../../LICENSE', import.meta.url)), 'utf8');
let decoder: Decoder;
beforeAll(async () => {
  decoder = await Decoder.open({ device: 'cpu' });
});
afterAll(() => decoder?.dispose());

/** RULER's single needle in running text, about `length` tokens. */
function needlePrompt(length: number, number: string): number[] {
  const text = essays.split(/\s+/).filter((word) => /^[a-z]/.test(word));
  const hay = (words: number) => Array.from({ length: words }, (_, i) => text[(i * 7) % text.length]!).join(' ');
  const words = Math.floor(length * 0.27);
  const needle = `One of the special magic numbers for careful-otter is: ${number}.`;
  return buildPrompt(
    decoder.tokenizer,
    'Some special magic numbers are hidden within the following text. Make sure to memorize it. I will quiz you about ' +
      `the numbers afterwards.\n${hay(words)}. ${needle} ${hay(words)}.\n` +
      'What are all the special magic numbers for careful-otter mentioned in the provided text?',
    { answerPrefix: 'The special magic numbers for careful-otter mentioned in the provided text are' },
  );
}

const patterns = (pattern: HeadPattern) =>
  decoder.layers.map(({ numHeads }) => Array.from({ length: numHeads }, () => pattern));

test.each<[string, HeadPattern]>([
  ['dense', { type: 'dense' }],
  ['vertical-slash', { type: 'vertical_slash', vertical: 200, slash: 300 }],
])('answers a needle at about 2K tokens with %s', async (_, pattern) => {
  const tokens = needlePrompt(2048, '7193582');
  expect(tokens.length).toBeGreaterThan(1500);
  expect(tokens.length).toBeLessThan(3000);
  const prefill = await decoder.prefill(tokens, { patterns: patterns(pattern), maxNewTokens: 24 });
  using _cache = prefill.cache;
  const { text, stopped } = await decoder.generate(prefill, { maxNewTokens: 24 });
  expect(text).toContain('7193582');
  expect(stopped).toBe('eos');
});

test('a run tells how far it is, and a stop within it is honoured before its end', async () => {
  const tokens = needlePrompt(4096, '1234567');
  const seen: number[] = [];
  const whole = await decoder.prefill(tokens, { patterns: 'dense', onProgress: (done) => seen.push(done) });
  whole.cache.dispose();
  expect(seen.length).toBeGreaterThan(1);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen.some((done) => done > 0 && done < tokens.length)).toBe(true);
  const controller = new AbortController();
  let reached = 0;
  const onProgress = (done: number) => {
    reached = done;
    if (done > 0) controller.abort();
  };
  const stopped = decoder.prefill(tokens, { patterns: 'dense', signal: controller.signal, onProgress });
  await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
  expect(reached).toBeGreaterThan(0);
  expect(reached).toBeLessThan(tokens.length);
  const { cache, logits } = await decoder.prefill(tokens.slice(0, 100), { patterns: 'dense' });
  cache.dispose();
  expect(logits.every(Number.isFinite)).toBe(true);
});

test('tells what attention computed: dense where that is as fast, the pattern itself where it must', async () => {
  // So short that no index pays.
  const tokens = needlePrompt(900, '1234567').slice(0, 200);
  const few = patterns({ type: 'vertical_slash', vertical: 10, slash: 20 });
  const computed = async (options: Parameters<Decoder['prefill']>[1]) => {
    const { cache, timings } = await decoder.prefill(tokens, { maxNewTokens: 0, ...options });
    cache.dispose();
    return timings.computed;
  };
  expect(await computed({ patterns: 'dense' })).toBe(1);
  expect(await computed({ patterns: few })).toBe(1);
  const own = await computed({ patterns: few, allowDense: false });
  expect(own).toBeLessThan(0.9);
  expect(own).toBeGreaterThan(0.3);
});
