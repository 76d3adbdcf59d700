import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, TensorProto_DataLocation } from 'onnx-buf';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDecoder } from '../../models/builder/build-decoder.js';
import { writeModelDirectory } from '../../models/builder/write-model-directory.js';
import { openPlainDecoder } from '../../models/plain-decoder.js';
import { resolveModel } from '../../src/model/directory.js';
import { loadTokenizer } from '../../src/model/tokenizer.js';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'minference-builder-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const LAYOUTS = [
  [
    'genai',
    [
      'chat_template.jinja',
      'genai_config.json',
      'model.onnx',
      'model.onnx.data',
      'tokenizer.json',
      'tokenizer_config.json',
    ],
  ],
  ['transformers', ['config.json', 'generation_config.json', 'onnx', 'tokenizer.json', 'tokenizer_config.json']],
  [
    'optimum',
    [
      'config.json',
      'generation_config.json',
      'model.onnx',
      'model.onnx_data',
      'tokenizer.json',
      'tokenizer_config.json',
    ],
  ],
] as const;

test.each(LAYOUTS)('the %s layout is complete, resolves and runs', async (layout, files) => {
  const folder = join(root, layout);
  const path = await writeModelDirectory(folder, { seed: 4 }, { layout });
  expect((await readdir(folder)).sort()).toEqual([...files]);

  const directory = await resolveModel(folder);
  expect(directory.modelPath).toBe(path);
  expect(directory.config).toMatchObject({ numLayers: 2, numHeads: 4, numKvHeads: 2, headDim: 16, vocabSize: 272 });

  const tokenizer = await loadTokenizer(directory);
  const text = 'Grüße, 3 < 5!';
  const tokens = tokenizer.encode(text, { addSpecialTokens: false });
  expect(tokens).toHaveLength(Buffer.byteLength(text));
  expect(tokenizer.decode(tokens)).toBe(text);
  const chat = tokenizer.applyChatTemplate([{ role: 'user', content: 'hi' }], { addGenerationPrompt: true });
  expect(chat).toBe('<|bos|><|user|>\nhi<|end|>\n<|assistant|>\n');

  const stored = await openPlainDecoder(path, { headDim: 16 });
  const inline = await openPlainDecoder(buildDecoder({ seed: 4 }), { headDim: 16 });
  expect(await stored.run(tokens)).toEqual(await inline.run(tokens));
});

test('several variants live in one directory', async () => {
  const folder = join(root, 'variants');
  for (const [variant, dtype] of [
    ['model', 'fp32'],
    ['model_q4', 'int4'],
  ] as const) {
    await writeModelDirectory(folder, { dtype }, { layout: 'transformers', variant });
  }
  expect((await readdir(join(folder, 'onnx'))).sort()).toEqual([
    'model.onnx',
    'model.onnx_data',
    'model_q4.onnx',
    'model_q4.onnx_data',
  ]);
});

test('weights can stay inside the file, or leave it from a size on', async () => {
  const inside = await writeModelDirectory(join(root, 'inside'), { externalData: false });
  expect((await readdir(join(root, 'inside'))).includes('model.onnx.data')).toBe(false);
  await (await openPlainDecoder(inside, { headDim: 16 })).release();

  const location = 'weights.bin';
  const path = await writeModelDirectory(join(root, 'large'), { externalData: { location, minBytes: 1024 } });
  const { initializer } = fromBinary(ModelProtoSchema, await readFile(path)).graph!;
  for (const { dims, dataLocation } of initializer) {
    const bytes = dims.reduce((product, dim) => product * Number(dim), 4);
    expect(dataLocation === TensorProto_DataLocation.EXTERNAL).toBe(bytes >= 1024);
  }
});

test('a hollow model of a billion parameters takes no disk space', async () => {
  const folder = join(root, 'hollow');
  const path = await writeModelDirectory(folder, {
    weights: 'hollow',
    numLayers: 16,
    hiddenSize: 2048,
    intermediateSize: 8192,
    numHeads: 32,
    numKvHeads: 8,
    headDim: 64,
    vocabSize: 16_384,
  });
  const { size, blocks } = await stat(join(folder, 'model.onnx.data'));
  expect(size).toBeGreaterThan(4e9);
  expect(blocks * 512).toBeLessThan(1e6);
  const { initializer } = fromBinary(ModelProtoSchema, await readFile(path)).graph!;
  expect(initializer.length).toBeGreaterThan(0);
  expect(initializer.every(({ externalData, rawData }) => externalData.length === 3 && rawData.length === 0)).toBe(
    true,
  );
});

test('a vocabulary without room for the bytes is refused', async () => {
  await expect(writeModelDirectory(join(root, 'small'), { vocabSize: 100 })).rejects.toThrow(/at least 262/);
});
