import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type CalibrationSample, calibrationSamples, parseCalibration, setName } from '../../search/calibration.js';
import { embeddedModelFolder } from '../../src/model/embedded.js';
import { loadTokenizer, type TextTokenizer } from '../../src/model/tokenizer.js';

let tokenizer: TextTokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer({ folder: embeddedModelFolder() });
});

const kv = (options: { length: number; samples?: number; seed?: number }) =>
  calibrationSamples([{ kind: 'kv' }], { tokenizer, samples: 1, seed: 0, ...options });

/** The key asked for at the end, the value it has in the data, and where it stands (0 … 1). */
function readTask({ tokens }: CalibrationSample): { value: string | undefined; depth: number; text: string } {
  const text = tokenizer.decode(tokens, { skipSpecialTokens: false });
  const key = /Key: "([0-9a-f-]{36})"/.exec(text)![1]!;
  const at = text.indexOf(`"${key}": "`);
  const value = new RegExp(`"${key}": "([0-9a-f-]{36})"`).exec(text)?.[1];
  return { value, depth: at / text.length, text };
}

describe('kv calibration', () => {
  it.each([512, 777, 1024, 4096, 8192, 20_000])(
    'has exactly %d tokens and keeps the pair asked for',
    async (length) => {
      for (const sample of await kv({ length, samples: 4 })) {
        expect(sample.tokens).toHaveLength(length);
        const { value, text } = readTask(sample);
        expect(value).toBeDefined();
        expect(text).toMatch(/^<\|bos\|><\|user\|>\nExtract the value corresponding to the specified key/);
        expect(text).toMatch(/The value associated with the specified key is: <\|end\|>\n<\|assistant\|>\n$/);
      }
    },
  );

  it('is the same for the same seed, prompt by prompt', async () => {
    const [first, second, other] = [
      await kv({ length: 2048, samples: 3, seed: 5 }),
      await kv({ length: 2048, samples: 3, seed: 5 }),
      await kv({ length: 2048, samples: 3, seed: 6 }),
    ];
    expect(second).toEqual(first);
    const hashes = [...first, ...other].map(({ sha256 }) => sha256);
    expect(new Set(hashes).size).toBe(6);
  });

  it('has not changed: pattern files name seed and hash', async () => {
    const [sample] = await kv({ length: 1024 });
    expect(sample!.sha256).toMatchInlineSnapshot(`"41e8cc1ef4e1140678f6099ced269ad861d711231ee0314e55c812334201a7f0"`);
  });

  it('asks for a pair in another part of the prompt with every sample', async () => {
    const depths = (await kv({ length: 8192, samples: 4 })).map((sample) => readTask(sample).depth);
    for (const [index, depth] of depths.entries()) {
      expect(depth).toBeGreaterThan(index / 4 - 0.05);
      expect(depth).toBeLessThan((index + 1) / 4 + 0.05);
    }
  });
});

describe('file calibration', () => {
  const write = (data: string | Uint8Array) => {
    const folder = mkdtempSync(join(tmpdir(), 'minference-text-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'text.txt');
    writeFileSync(path, data);
    return path;
  };
  const samples = (path: string, options: { length: number; samples?: number; seed?: number }) =>
    calibrationSamples([{ kind: 'file', path }], { tokenizer, samples: 1, seed: 0, ...options });

  it('takes exactly the length from different places, and never half a character', async () => {
    const path = write(
      Array.from({ length: 4000 }, (_, index) => `Line ${index}: 🦊 über ${index * index}.\n`).join(''),
    );
    const result = await samples(path, { length: 1500, samples: 3 });
    const texts = result.map(({ tokens }) => tokenizer.decode(tokens));
    expect(result.every(({ tokens }) => tokens.length === 1500)).toBe(true);
    expect(new Set(texts).size).toBe(3);
    expect(await samples(path, { length: 1500, samples: 3 })).toEqual(result);
  });

  it('goes back to the start where the rest has too few tokens', async () => {
    const dense = Array.from({ length: 900 }, (_, index) => `${index} `).join('');
    const path = write(dense + ' '.repeat(60_000));
    for (let seed = 0; seed < 5; seed++)
      expect((await samples(path, { length: 1200, seed }))[0]!.tokens).toHaveLength(1200);
  });

  it.each<[string, string | Uint8Array, string]>([
    ['too short', 'A few words.', 'DATASET_INVALID'],
    ['empty', ' \n', 'DATASET_INVALID'],
    ['not UTF-8', Uint8Array.of(65, 0xff, 66), 'DATASET_INVALID'],
  ])('refuses a text that is %s', async (_name, data, code) => {
    await expect(samples(write(data), { length: 1024 })).rejects.toMatchObject({ code, hint: expect.any(String) });
  });
});

describe('parseCalibration', () => {
  it('reads names and paths, each once', () => {
    expect(parseCalibration('kv')).toEqual([{ kind: 'kv' }]);
    expect(parseCalibration('kv, file:a/b.txt,kv')).toEqual([{ kind: 'kv' }, { kind: 'file', path: 'a/b.txt' }]);
    expect(setName({ kind: 'file', path: 'a/b.txt' })).toBe('file:b.txt');
  });

  it.each(['', 'kv,', 'KV', 'file:', 'text', Array(20).fill('kv').join(',')])('refuses "%s"', (text) => {
    expect(() => parseCalibration(text)).toThrow(/expected calibration sets/);
  });
});

describe('tasks in RULER’s formats', () => {
  const make = (kind: 'needle' | 'vt' | 'words' | 'qa', options: { length: number; samples?: number; seed?: number }) =>
    calibrationSamples([{ kind }], { tokenizer, samples: 1, seed: 0, ...options });

  it.each([
    ['needle', /special magic numbers for .* mentioned in the provided text/],
    ['vt', /Find all variables that are assigned the value/],
    ['words', /What are the 10 most common words/],
    ['qa', /Answer the question based on the given documents/],
  ] as const)(
    '%s: exactly as long as asked, with its question and the beginning of the answer',
    async (kind, question) => {
      for (const length of [2048, 4096, 8192]) {
        const samples = await make(kind, { length, samples: 2 });
        expect(samples).toHaveLength(2);
        for (const { tokens } of samples) {
          expect(tokens).toHaveLength(length);
          const text = tokenizer.decode(tokens, { skipSpecialTokens: false });
          const [user, answer] = text.split('<|end|>\n<|assistant|>\n');
          expect(user!.slice(-600)).toMatch(question);
          expect(answer).toMatch(/\S/);
        }
      }
    },
  );

  it('are the same for a seed', async () => {
    const hash = async (seed: number) => (await make('vt', { length: 2048, seed }))[0]!.sha256;
    expect(await hash(1)).toBe(await hash(1));
    expect(await hash(1)).not.toBe(await hash(2));
  });

  it('say the least length when there is no room', async () => {
    await expect(make('vt', { length: 256 })).rejects.toMatchObject({ code: 'USAGE' });
  });
});
