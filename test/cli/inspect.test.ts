import { cpSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { beforeAll, describe, expect, it } from 'vitest';
import { formatBytes } from '../../src/utils/format.js';
import { sharedFolder } from '../utils/temporary-folder.js';
import { ensureBuilt } from './helpers/build.js';
import { runCli } from './helpers/run-cli.js';
import { writeTinyModel } from './helpers/tiny-models.js';

describe('inspect', () => {
  const folder = sharedFolder();
  beforeAll(ensureBuilt);

  it('shows versions, processor, build, GPU with fixes, and environment variables', async () => {
    const { stdout, stderr, exitCode } = await runCli(['inspect'], { env: { MINFERENCE_SIMD: 'generic' } });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/minference +\d+\.\d+\.\d+\n/);
    expect(stdout).toContain(process.versions.node);
    expect(stdout).toMatch(/✔ native build +version/);
    expect(stdout).toMatch(/✔ CPU kernels +generic, tiles of \d+ queries × \d+ keys/);
    expect(stdout).toMatch(/[✔✖] driver/);
    expect(stdout).toMatch(/MINFERENCE_SIMD +generic$/m);
  });

  it('explains a native part that is not built instead of failing', async () => {
    const env = { MINFERENCE_KERNELS_PATH: join(folder, 'nowhere') };
    const { stdout, exitCode } = await runCli(['inspect'], { env });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/✖ native build +none\n +→ npm run build:kernels/);
    expect(stdout).toMatch(/✖ loads +expected the native part at .*nowhere/);
    const json = JSON.parse((await runCli(['inspect', '--json'], { env })).stdout);
    expect(json.native).toMatchObject({ build: null, problem: { message: expect.any(String) } });
  });

  it('groups the layers of a model by their shape', async () => {
    const model = await writeTinyModel(folder, 'windowed', {
      numLayers: 5,
      slidingWindow: { size: 128, layers: [1, 3] },
    });
    const { stdout } = await runCli(['inspect', '--model', model]);
    expect(stdout).toMatch(/✔ attention +5 layers can be made sparse/);
    expect(stdout).toMatch(/0, 2, 4 +GroupQueryAttention +4 +2 +16 +all keys/);
    expect(stdout).toMatch(/1, 3 +GroupQueryAttention +4 +2 +16 +128 tokens/);
  });

  it('says for a graph without known attention what was left alone and what would work', async () => {
    const model = await writeTinyModel(folder, 'unknown');
    const path = join(model, 'model.onnx');
    // The same length, so that the file stays valid.
    writeFileSync(path, readFileSync(path, 'latin1').replaceAll('com.microsoft', 'com.somewhere'), 'latin1');
    const { stdout, exitCode } = await runCli(['inspect', '--model', model]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /✖ attention +0 layers can be made sparse\n +→ export.*[\s\S]*✖ left alone +GroupQueryAttention \S+ and 1 more:\s+an\s+operator\s+of\s+com.somewhere/,
    );
  });

  it('says that the CPU does not compute with bfloat16, as prefill does before it loads the model', async (context) => {
    if (JSON.parse((await runCli(['inspect', '--json'])).stdout).native.cuda) context.skip('a GPU computes with it');
    const model = await writeTinyModel(folder, 'bfloat16', { dtype: 'fp16' });
    const path = join(model, 'model.onnx');
    const proto = fromBinary(ModelProtoSchema, readFileSync(path));
    for (const { name, type } of [...proto.graph!.input, ...proto.graph!.output]) {
      if (!/^(?:past|present)/.test(name) || type?.value.case !== 'tensorType') continue;
      type.value.value.elemType = 16;
    }
    writeFileSync(path, toBinary(ModelProtoSchema, proto));
    const { stdout, exitCode } = await runCli(['inspect', '--model', model]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✖ numbers +bfloat16, which ONNX Runtime computes on CUDA only\n +→ take/);
    const prefill = await runCli(['prefill', '--model', model, '--prompt', 'x', '--device', 'cpu']);
    expect(prefill.exitCode).toBe(1);
    expect(prefill.stderr).toMatch(/expected float32 or float16 for the CPU, found\s+bfloat16/);
  });

  it('says which weights are missing', async () => {
    const model = await writeTinyModel(folder, 'no-weights');
    writeFileSync(join(model, 'model.onnx.data'), '');
    const { stdout, exitCode } = await runCli(['inspect', '--model', model]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✖ weights +.*model\.onnx\.data/);
  });

  it('tells the sizes of variants and of the KV cache, and exits with 0 for a model that can be used', async () => {
    const model = await writeTinyModel(folder, 'variants');
    cpSync(join(model, 'model.onnx'), join(model, 'model_q4.onnx'));
    const { stdout, exitCode } = await runCli(['inspect', '--model', model]);
    expect(exitCode).toBe(0);
    const size = (...files: string[]) =>
      formatBytes(files.reduce((sum, file) => sum + statSync(join(model, file)).size, 0));
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      `variants model, ${size('model.onnx', 'model.onnx.data')} (chosen); model_q4, ${size('model_q4.onnx')}`,
    );
    // 2 layers × keys and values × 2 heads of 16 × 4 bytes.
    expect(stdout).toMatch(/KV cache +512 KiB for 1,024 tokens/);
    const json = JSON.parse((await runCli(['inspect', '--model', model, '--json'])).stdout);
    expect(json.model).toMatchObject({ usable: true, cacheBytesPer1k: 524_288, variants: [{ name: 'model' }, {}] });
    expect(json.native.costs).toHaveProperty('cpu');
  });

  it('names the variant that was meant', async () => {
    const model = await writeTinyModel(folder, 'misspelt');
    cpSync(join(model, 'model.onnx'), join(model, 'model_q4f16.onnx'));
    const { stderr, exitCode } = await runCli(['inspect', '--model', model, '--variant', 'q4f61']);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/Did you mean "q4f16"\? Choose one with --variant: model, model_q4f16/);
  });
});
