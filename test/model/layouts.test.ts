import { symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { resolveModel } from '../../src/model/directory.js';
import { genaiConfig, llamaConfig, writeFolder } from './helpers.js';

test('transformers.js layout: full precision by default, others by name, dtype or path', async () => {
  const folder = writeFolder({
    'config.json': llamaConfig,
    'onnx/model_q4.onnx': '',
    'onnx/model.onnx': '',
    'onnx/model_fp16.onnx': '',
    'onnx/model_quantized.onnx': '',
    'onnx/decoder_model_merged.onnx': '',
  });
  const model = await resolveModel(folder);
  expect(model).toMatchObject({ layout: 'transformers', variant: 'model', id: basename(folder), folder });
  expect(model.modelPath).toBe(join(folder, 'onnx/model.onnx'));
  expect(model.variants).toEqual(['decoder_model_merged', 'model', 'model_fp16', 'model_q4', 'model_quantized']);
  for (const [wish, variant] of [
    ['q4', 'model_q4'],
    ['fp32', 'model'],
    ['q8', 'model_quantized'],
    ['model_fp16', 'model_fp16'],
    ['onnx/model_fp16.onnx', 'model_fp16'],
    ['decoder_model_merged', 'decoder_model_merged'],
  ]) {
    expect((await resolveModel(folder, { variant: wish! })).variant).toBe(variant);
  }
});

test('the default without a full-precision file is the most exact one', async () => {
  const folder = writeFolder({ 'config.json': llamaConfig, 'onnx/model_q4f16.onnx': '', 'onnx/model_q4.onnx': '' });
  expect((await resolveModel(folder)).variant).toBe('model_q4');
});

test('Optimum layout: model.onnx beside config.json; token ids of generation_config.json win', async () => {
  const folder = writeFolder({
    'config.json': llamaConfig,
    'generation_config.json': { bos_token_id: 3, eos_token_id: 7 },
    'model.onnx': '',
  });
  const model = await resolveModel(folder);
  expect(model.modelPath).toBe(join(folder, 'model.onnx'));
  expect(model.config).toEqual({
    modelType: 'llama',
    numLayers: 2,
    numHeads: 4,
    numKvHeads: 2,
    headDim: 16,
    vocabSize: 100,
    contextLength: 512,
    bosTokenIds: [3],
    eosTokenIds: [7],
    padTokenId: 0,
    hiddenSize: 64,
    intermediateSize: 128,
  });
});

test('onnxruntime-genai layout: shapes, names and ids come from genai_config.json', async () => {
  const folder = writeFolder({ 'genai_config.json': genaiConfig, 'model.onnx': '', 'other.onnx': '' });
  const model = await resolveModel(folder);
  expect(model).toMatchObject({ layout: 'genai', variant: 'model' });
  expect(model.configText).toBe(JSON.stringify(genaiConfig));
  expect(model.config).toMatchObject({ numLayers: 2, numHeads: 4, numKvHeads: 2, headDim: 16, contextLength: 2048 });
  expect(model.config.eosTokenIds).toEqual([2]);
  expect(model.config.ioNames).toContain('past_key_values.1.value');
  expect(model.config.ioNames).toContain('present.0.key');
});

test('genai_config.json chooses the file, also in subfolders', async () => {
  const named = structuredClone(genaiConfig);
  named.model.decoder.filename = 'decoder.onnx';
  const flat = writeFolder({ 'genai_config.json': named, 'model.onnx': '', 'decoder.onnx': '' });
  expect((await resolveModel(flat)).variant).toBe('decoder');

  const nested = writeFolder({
    'cpu/int4/genai_config.json': genaiConfig,
    'cpu/int4/model.onnx': '',
    'cuda/fp16/genai_config.json': genaiConfig,
    'cuda/fp16/model.onnx': '',
  });
  await expect(resolveModel(nested)).rejects.toMatchObject({
    code: 'USAGE',
    hint: 'Choose one with --variant: cpu/int4, cuda/fp16.',
  });
  const model = await resolveModel(nested, { variant: 'cpu/int4' });
  expect(model.folder).toBe(join(nested, 'cpu/int4'));
  expect(model.layout).toBe('genai');
});

test('an .onnx file finds its configuration beside it or one folder up', async () => {
  const folder = writeFolder({ 'config.json': llamaConfig, 'onnx/model.onnx': '', 'onnx/model_q4.onnx': '' });
  const model = await resolveModel(join(folder, 'onnx/model_q4.onnx'));
  expect(model).toMatchObject({ variant: 'model_q4', folder, id: basename(folder) });
  await expect(resolveModel(join(folder, 'onnx/model_q4.onnx'), { variant: 'model' })).rejects.toMatchObject({
    code: 'USAGE',
  });
});

test('symbolic links count as files, as in the Hub cache', async () => {
  const folder = writeFolder({ 'blobs/a': JSON.stringify(llamaConfig), 'blobs/b': '' });
  const snapshot = writeFolder({});
  symlinkSync(join(folder, 'blobs/a'), join(snapshot, 'config.json'));
  symlinkSync(join(folder, 'blobs/b'), join(snapshot, 'model.onnx'));
  expect((await resolveModel(snapshot)).variant).toBe('model');
});

test('configs of other architectures', async () => {
  const read = async (config: object) =>
    (await resolveModel(writeFolder({ 'config.json': config, 'model.onnx': '' }))).config;
  const gpt2 = { model_type: 'gpt2', n_layer: 12, n_head: 12, n_embd: 768, n_positions: 1024, vocab_size: 50257 };
  expect(await read(gpt2)).toMatchObject({ numLayers: 12, numHeads: 12, numKvHeads: 12, headDim: 64 });
  const { hidden_size, ...rest } = llamaConfig;
  expect(await read({ ...rest, hidden_size: 100, head_dim: 32 })).toMatchObject({ headDim: 32, hiddenSize: 100 });
  const gemma = {
    model_type: 'gemma3',
    eos_token_id: [1, 9],
    text_config: { ...rest, hidden_size, eos_token_id: null },
  };
  expect(await read(gemma)).toMatchObject({ modelType: 'gemma3', numLayers: 2, headDim: 16, eosTokenIds: [1, 9] });
  const yarn = { ...llamaConfig, rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 512 } };
  expect(await read(yarn)).toMatchObject({ contextLength: 2048 });
  const none = { ...llamaConfig, bos_token_id: null, eos_token_id: 151643, pad_token_id: -1 };
  expect(await read(none)).toMatchObject({ bosTokenIds: [], eosTokenIds: [], padTokenId: null });
});
