import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MinferenceError } from '../../src/errors.js';
import { findPatterns } from '../../src/patterns/find-patterns.js';
import { loadPatterns } from '../../src/patterns/load-patterns.js';
import { formatPatterns, savePatterns } from '../../src/patterns/save-patterns.js';
import { sampleFile } from './sample-file.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'minference-patterns-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(name: string, data: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, data);
  return path;
}

const failure = (promise: Promise<unknown>): Promise<MinferenceError> =>
  promise.then(
    () => Promise.reject(new Error('expected a failure')),
    (error) => error,
  );

const layer = { numHeads: 4, numKvHeads: 2, headDim: 16 };
const model = { fingerprint: 'sha256:abc', layers: [layer, layer] };

describe('loadPatterns', () => {
  it('reads what savePatterns wrote and checks it against the model', async () => {
    const path = join(folder, 'good.json');
    await savePatterns(path, sampleFile());
    expect(await loadPatterns(path, model)).toEqual(sampleFile());
  });

  it('refuses 3 GiB of JSON without reading it, which Node could not', async () => {
    const path = await write('huge.json', '{');
    await truncate(path, 3 * 2 ** 30);
    const error = await failure(loadPatterns(path));
    expect(error).toMatchObject({ code: 'PATTERNS_INVALID' });
    expect(error.message).toContain('expected at most 64 MiB of JSON, found 3 GiB');
  });

  it.each<[string, string | Uint8Array, string, RegExp]>([
    ['empty', '', 'PATTERNS_INVALID', /syntax error/],
    ['truncated', formatPatterns(sampleFile()).slice(0, 700), 'PATTERNS_INVALID', /syntax error/],
    ['NaN', '{"schema": NaN}', 'PATTERNS_INVALID', /syntax error/],
    ['not UTF-8', Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d), 'PATTERNS_INVALID', /expected JSON in UTF-8/],
    [
      'duplicate key',
      formatPatterns(sampleFile()).replace('"slash":6096', '"slash":6096,"slash":1'),
      'PATTERNS_INVALID',
      /expected every key once, found "slash" twice in layers\.0\.heads\.0/,
    ],
    ['duplicate at the top', '{"schema": 1, "\\u0073chema": 2}', 'PATTERNS_INVALID', /found "schema" twice$/],
    ['deep nesting', '['.repeat(5000) + ']'.repeat(5000), 'PATTERNS_INVALID', /levels of nesting/],
    ['another kind of JSON', '{"name": "package"}', 'PATTERNS_INVALID', /expected schema/],
  ])('refuses a file that is %s', async (name, data, code, message) => {
    const error = await failure(loadPatterns(await write(`bad-${name}.json`, data)));
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(message);
    expect(error.hint).toBeTruthy();
  });

  it('says when there is no file, or a folder', async () => {
    expect(await failure(loadPatterns(join(folder, 'missing.json')))).toMatchObject({ code: 'READ_FAILED' });
    expect((await failure(loadPatterns(folder))).message).toContain('found a folder, pipe or device');
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(await failure(loadPatterns(pipe))).toMatchObject({ code: 'PATTERNS_INVALID' });
  });

  it('says everything that differs from the model', async () => {
    const path = await write('mismatch.json', formatPatterns(sampleFile()));
    const other = { fingerprint: 'sha256:def', layers: [layer, { numHeads: 8, numKvHeads: 4, headDim: 16 }] };
    const error = await failure(loadPatterns(path, other));
    expect(error.code).toBe('PATTERNS_MISMATCH');
    expect(error.message).toContain('query heads of layer 1: the model has 8, the file 4');
    expect(error.message).toContain('KV heads of layer 1: the model has 4, the file 2');
    expect(error.message).toContain('fingerprint: the model has sha256:def, the file sha256:abc');
    const layers = await failure(loadPatterns(path, { layers: [layer] }));
    expect(layers.message).toContain('the model has 1 layers, the file 2');
  });

  it('accepts another fingerprint on request, but never other shapes', async () => {
    const path = await write('forced.json', formatPatterns(sampleFile()));
    const quantised = { ...model, fingerprint: 'sha256:def' };
    expect(await failure(loadPatterns(path, quantised))).toMatchObject({ code: 'PATTERNS_MISMATCH' });
    expect(await loadPatterns(path, quantised, { ignoreFingerprint: true })).toEqual(sampleFile());
    const narrow = { ...quantised, layers: [layer, { ...layer, headDim: 32 }] };
    const error = await failure(loadPatterns(path, narrow, { ignoreFingerprint: true }));
    expect(error.message).toContain('head_dim of layer 1: the model has 32, the file 16');
  });

  it('refuses to save what it would not load', async () => {
    const file = sampleFile();
    file.layers[0]!.heads.pop();
    const path = join(folder, 'never.json');
    expect(await failure(savePatterns(path, file))).toMatchObject({ code: 'PATTERNS_INVALID' });
    expect(await failure(loadPatterns(path))).toMatchObject({ code: 'READ_FAILED' });
  });
});

describe('findPatterns', () => {
  it('finds the file of the model among broken and other ones', async () => {
    const configs = await mkdtemp(join(folder, 'configs-'));
    await writeFile(join(configs, 'a-broken.json'), '{');
    await writeFile(join(configs, 'schema.json'), '{}');
    const other = sampleFile();
    other.model.fingerprint = 'sha256:other';
    await savePatterns(join(configs, 'b-other.json'), other);
    const unmarked = sampleFile();
    delete unmarked.model.fingerprint;
    await savePatterns(join(configs, 'c-unmarked.json'), unmarked);
    expect(await findPatterns(model, configs)).toBeUndefined();
    await savePatterns(join(configs, 'd-mine.json'), sampleFile());
    expect((await findPatterns(model, configs))?.path).toBe(join(configs, 'd-mine.json'));
    expect(await findPatterns(model, join(folder, 'nowhere'))).toBeUndefined();
  });
});
