import { cpSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { beforeAll, describe, expect, it } from 'vitest';
import { sharedFolder } from '../utils/temporary-folder.js';
import { ensureBuilt } from './helpers/build.js';
import { runCli } from './helpers/run-cli.js';
import { writeTinyModel } from './helpers/tiny-models.js';

const folder = sharedFolder();
let good: string;

beforeAll(async () => {
  await ensureBuilt();
  good = await writeTinyModel(folder);
});

/** A copy of the good model, broken by `change`. */
function broken(name: string, change: (model: string) => void): string {
  const copy = join(folder, name);
  rmSync(copy, { recursive: true, force: true });
  cpSync(good, copy, { recursive: true });
  change(copy);
  return copy;
}

function editGraph(path: string, change: (model: ReturnType<typeof readModel>) => void): void {
  const model = readModel(path);
  change(model);
  writeFileSync(path, toBinary(ModelProtoSchema, model));
}
const readModel = (path: string) => fromBinary(ModelProtoSchema, readFileSync(path));

/** Points every external tensor at another file. */
function relocate(path: string, location: string): void {
  editGraph(path, (model) => {
    for (const tensor of model.graph!.initializer) {
      for (const entry of tensor.externalData) if (entry.key === 'location') entry.value = location;
    }
  });
}

const prefill = (model: string) =>
  runCli(['prefill', '--model', model, '--patterns', 'dense', '--prompt', 'hello', '--max-new-tokens', '1']);

describe('models that cannot be used', () => {
  it.each([
    ['is not there', () => join(folder, 'none'), /expected a model folder, an \.onnx file or a Hub id/],
    [
      'is an empty folder',
      () =>
        broken('empty', (model) => {
          rmSync(model, { recursive: true });
          mkdirSync(model);
        }),
      /expected|found/,
    ],
    ['has no .onnx file', () => broken('no-onnx', (model) => rmSync(join(model, 'model.onnx'))), /\.onnx/],
    [
      'is truncated',
      () =>
        broken('short', (model) => {
          const path = join(model, 'model.onnx');
          truncateSync(path, Math.floor(statSync(path).size / 2));
        }),
      /expected an ONNX model.*model\.onnx/,
    ],
    [
      'is not ONNX',
      () =>
        broken('text', (model) =>
          writeFileSync(join(model, 'model.onnx'), 'version https://git-lfs.github.com/spec/v1\n'),
        ),
      /expected an ONNX model.*model\.onnx/,
    ],
    [
      'is an empty file',
      () => broken('zero', (model) => truncateSync(join(model, 'model.onnx'), 0)),
      /expected an ONNX model.*model\.onnx/,
    ],
    [
      'lacks its external data',
      () => broken('no-data', (model) => rmSync(join(model, 'model.onnx.data'))),
      /model\.onnx\.data/,
    ],
    [
      'has external data that is too short',
      () => broken('short-data', (model) => truncateSync(join(model, 'model.onnx.data'), 100)),
      /model\.onnx\.data/,
    ],
    [
      'has external data outside of its folder',
      () => broken('escape', (model) => relocate(join(model, 'model.onnx'), '../tiny/model.onnx.data')),
      /\.\.\/tiny\/model\.onnx\.data/,
    ],
    [
      'has external data at an absolute path',
      () => broken('absolute', (model) => relocate(join(model, 'model.onnx'), '/etc/passwd')),
      /\/etc\/passwd/,
    ],
    [
      'has external data behind a link out of its folder',
      () =>
        broken('link', (model) => {
          rmSync(join(model, 'model.onnx.data'));
          symlinkSync(join(good, 'model.onnx.data'), join(model, 'model.onnx.data'));
        }),
      /found a link from .*model\.onnx\.data/,
    ],
    [
      'has no attention that is known',
      () =>
        broken('no-attention', (model) =>
          editGraph(join(model, 'model.onnx'), ({ graph }) => {
            for (const node of graph!.node) if (node.opType === 'GroupQueryAttention') node.opType = 'FancyAttention';
          }),
        ),
      /FancyAttention|attention/,
    ],
    [
      'has no tokenizer',
      () => broken('no-tokenizer', (model) => rmSync(join(model, 'tokenizer.json'))),
      /tokenizer\.json/,
    ],
    [
      'has a broken configuration',
      () => broken('config', (model) => writeFileSync(join(model, 'genai_config.json'), '{"model": 7}')),
      /genai_config\.json/,
    ],
  ])('%s', async (_, make, message) => {
    const result = await prefill(make());
    expect(result).toMatchObject({ exitCode: 1, stdout: '', signal: undefined });
    const [error, hint] = result.stderr.split('\n');
    expect(error).toMatch(/^error: /);
    expect(error).toMatch(message);
    expect(hint).toMatch(/^hint: \S/);
    expect(result.stderr).not.toContain('unexpected failure');
  });

  it('names the export that would work when a graph has no known attention', async () => {
    const model = broken('unknown', (path) =>
      editGraph(join(path, 'model.onnx'), ({ graph }) => {
        for (const node of graph!.node) if (node.opType === 'GroupQueryAttention') node.opType = 'FancyAttention';
      }),
    );
    for (const command of ['search --length 1k', 'eval niah --lengths 1k --methods dense']) {
      const result = await runCli([...command.split(' '), '--model', model, '--out', join(folder, 'x.json')]);
      expect(result).toMatchObject({ exitCode: 1, stdout: '' });
      expect(result.stderr).toMatch(/GroupQueryAttention|export/);
    }
  });

  it('offers the variants there are', async () => {
    const result = await runCli(['prefill', '--model', good, '--variant', 'q4', '--prompt', 'x']);
    expect(result.stderr).toMatch(/found "q4"\n.*--variant: model/);
    expect(result.exitCode).toBe(2);
  });

  it('fails without a network and says what to do', async () => {
    const env = { HF_ENDPOINT: 'http://127.0.0.1:9', HF_HOME: join(folder, 'hub') };
    const result = await runCli(['prefill', '--model', 'some-org/some-model', '--prompt', 'x'], { env });
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toMatch(/error: .*some-org\/some-model.*cannot be reached \(E[A-Z]+\)/);
    expect(result.stderr).toMatch(/hint: /);
  });
});
