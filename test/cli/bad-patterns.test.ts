import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sharedFolder } from '../utils/temporary-folder.js';
import { ensureBuilt } from './helpers/build.js';
import { runCli } from './helpers/run-cli.js';
import { tinyPatterns, writeTinyModel } from './helpers/tiny-models.js';

const folder = sharedFolder();
let model: string;

beforeAll(async () => {
  await ensureBuilt();
  model = await writeTinyModel(folder);
});

function patternFile(content: string | Uint8Array): string {
  const path = join(folder, 'patterns.json');
  writeFileSync(path, content);
  return path;
}

const run = (patterns: string) =>
  runCli(['prefill', '--model', model, '--patterns', patterns, '--prompt', 'hello', '--max-new-tokens', '2']);

const replaced = (from: string, to: string) => tinyPatterns().replace(from, to);

describe('pattern files that cannot be used', () => {
  it.each([
    ['is not JSON', () => 'vertical and slash', /expected JSON, found a syntax error/],
    ['is not UTF-8', () => Buffer.from([0x7b, 0xff, 0x7d]), /UTF-8/],
    ['is no pattern file', () => '[]', /patterns|expected/],
    [
      'has a wrong version',
      () =>
        tinyPatterns((file) => {
          file.schema = 'minference.patterns/9';
        }),
      /patterns\/1".*patterns\/9/,
    ],
    [
      'has an unknown kind',
      () =>
        tinyPatterns((file) => {
          file.layers[0]!.heads[1]!.type = 'spiral';
        }),
      /layers\.0\.heads\.1.*spiral/,
    ],
    [
      'has a negative size',
      () =>
        tinyPatterns((file) => {
          file.layers[1]!.heads[0]!.sink = -1;
        }),
      /sink: expected at least 0.*found -1/,
    ],
    ['has NaN', () => replaced('"sink":16', '"sink":NaN'), /syntax error/],
    ['has an infinite size', () => replaced('"sink":16', '"sink":1e999'), /sink.*found Infinity/],
    ['has a fraction of a token', () => replaced('"sink":16', '"sink":0.5'), /sink.*whole number|sink.*int/],
    ['has an absurd size', () => replaced('"sink":16', '"sink":9007199254740991'), /sink: expected at most/],
    [
      'lacks a head',
      () => tinyPatterns((file) => file.layers[1]!.heads.pop()),
      /layers\.1\.heads: expected 4 heads.*found 3/,
    ],
    ['lacks a layer', () => tinyPatterns((file) => file.layers.pop()), /layers: expected 2.*found 1/],
    ['gives a key twice', () => replaced('"sink":16', '"sink":16,"sink":8'), /"sink" twice/],
    ['has a misspelt field', () => replaced('"window"', '"windows"'), /window/],
    [
      'is for a model of another shape',
      () =>
        tinyPatterns((file) => {
          file.model.num_heads = 8;
          for (const layer of file.layers) layer.heads = [...layer.heads, ...layer.heads];
        }),
      /expected patterns for this model.*the model has 4, the file 8/,
    ],
    [
      'is for another model of the same shape',
      () =>
        tinyPatterns((file) => {
          file.model.fingerprint = 'sha256:0';
        }),
      /fingerprint/,
    ],
  ])('%s', async (_name, content, message) => {
    const result = await run(patternFile(content()));
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toMatch(message);
    expect(result.stderr).toMatch(/^hint: /m);
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });

  it('is a gigabyte of JSON: refused by its size, not read', async () => {
    const path = patternFile('{"schema":"minference.patterns/1"');
    truncateSync(path, 2 ** 30);
    const result = await run(path);
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toMatch(/expected at most \d+ MiB of JSON, found 1 GiB/);
  });

  it('is not there', async () => {
    const result = await run(join(folder, 'none.json'));
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/expected a file at .*none\.json, found none/);
  });

  it('is used with --force where only the fingerprint differs', async () => {
    const path = patternFile(
      tinyPatterns((file) => {
        file.model.fingerprint = 'sha256:0';
      }),
    );
    const result = await runCli([
      'prefill',
      '--model',
      model,
      '--patterns',
      path,
      '--force',
      '--prompt',
      'hi',
      '--max-new-tokens',
      '1',
    ]);
    expect(result).toMatchObject({ exitCode: 0 });
  });
});
