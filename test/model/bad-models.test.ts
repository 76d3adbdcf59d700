import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MinferenceError } from '../../src/errors.js';
import { resolveModel } from '../../src/model/directory.js';
import { genaiConfig, llamaConfig, writeFolder } from './helpers.js';

async function failure(spec: string, variant?: string): Promise<MinferenceError> {
  const error = await resolveModel(spec, variant === undefined ? {} : { variant }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MinferenceError);
  expect((error as MinferenceError).hint).toBeTruthy();
  return error as MinferenceError;
}

test.each([
  ['nothing there', '/nonexistent/model', 'MODEL_NOT_FOUND', /expected a model folder/],
  ['a relative path that is no Hub id', './no-such-model', 'MODEL_NOT_FOUND', /found none/],
])('%s', async (_, spec, code, message) => {
  const error = await failure(spec);
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
});

test('an empty folder, and one with other weights, say what was found', async () => {
  expect((await failure(writeFolder({}))).message).toMatch(/found an empty folder/);
  const error = await failure(writeFolder({ 'config.json': llamaConfig, 'model.safetensors': '' }));
  expect(error.code).toBe('MODEL_NOT_FOUND');
  expect(error.message).toMatch(/found config\.json, model\.safetensors/);
  expect(error.hint).toMatch(/optimum-cli export onnx/);
});

test('ONNX files without a configuration', async () => {
  const folder = writeFolder({ 'model.onnx': '' });
  expect((await failure(folder)).message).toMatch(/expected config\.json or genai_config\.json/);
  expect((await failure(join(folder, 'model.onnx'))).code).toBe('MODEL_NOT_FOUND');
});

test('a file that is no model', async () => {
  const folder = writeFolder({ 'notes.txt': 'x' });
  expect(await failure(join(folder, 'notes.txt'))).toMatchObject({ code: 'MODEL_INVALID' });
});

test('an unknown variant, and none that can be chosen by rule, list the variants', async () => {
  const folder = writeFolder({ 'config.json': llamaConfig, 'onnx/a.onnx': '', 'onnx/b.onnx': '' });
  const unknown = await failure(folder, 'q2');
  expect(unknown).toMatchObject({ code: 'USAGE', hint: 'Choose one with --variant: a, b.' });
  expect(unknown.exitCode).toBe(2);
  expect(await failure(folder)).toMatchObject({ code: 'USAGE', hint: 'Choose one with --variant: a, b.' });
});

const { num_attention_heads: _, ...noHeads } = llamaConfig;
test.each<[string, string | Uint8Array | object, RegExp]>([
  ['broken JSON', '{"model_type": "llama",', /config\.json: expected JSON, found a syntax error/],
  ['not UTF-8', new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), /config\.json: expected text in UTF-8/],
  ['no object', '[1, 2]', /config\.json: expected a value of type object, found \[1,2\]/],
  ['a missing field', noHeads, /config\.json: expected field "num_attention_heads", found nothing/],
  ['no model type', { ...llamaConfig, model_type: undefined }, /field "model_type": expected a value of type string/],
  ['a string for a number', { ...llamaConfig, num_hidden_layers: '8' }, /field "num_hidden_layers": .*found "8"/],
  [
    'a fraction',
    { ...llamaConfig, num_hidden_layers: 1.5 },
    /field "num_hidden_layers": expected a whole number, found 1\.5/,
  ],
  ['a negative size', { ...llamaConfig, vocab_size: -4 }, /field "vocab_size": expected at least 1, found -4/],
  [
    'an absurd number of layers',
    { ...llamaConfig, num_hidden_layers: 1e9 },
    /"num_hidden_layers": expected at most 1024/,
  ],
  [
    'an absurd context',
    { ...llamaConfig, max_position_embeddings: 1e15 },
    /"max_position_embeddings": expected at most/,
  ],
  ['1e400 read as infinity', JSON.stringify(llamaConfig).replace('512', '1e400'), /"max_position_embeddings"/],
  [
    'heads that do not divide',
    { ...llamaConfig, num_key_value_heads: 3 },
    /"num_attention_heads" to be a multiple of "num_key_value_heads", found 4 and 3/,
  ],
  [
    'an odd width',
    { ...llamaConfig, hidden_size: 66 },
    /"hidden_size" divisible by "num_attention_heads", found 66 and 4/,
  ],
  ['a wrong token id', { ...llamaConfig, eos_token_id: ['</s>'] }, /field "eos_token_id"/],
])('config.json with %s', async (_, config, message) => {
  const error = await failure(writeFolder({ 'config.json': config, 'onnx/model.onnx': '' }));
  expect(error.code).toBe('MODEL_INVALID');
  expect(error.message).toMatch(message);
});

test('a huge config.json is refused unread', async () => {
  const folder = writeFolder({ 'config.json': ' '.repeat(17 * 2 ** 20), 'model.onnx': '' });
  expect((await failure(folder)).message).toMatch(/expected at most 16 MiB of text, found/);
});

test('config.json that is a folder', async () => {
  const folder = writeFolder({ 'onnx/model.onnx': '', 'genai_config.json': genaiConfig });
  mkdirSync(join(folder, 'config.json'));
  expect((await failure(folder)).message).toMatch(/config\.json: expected a file/);
});

test('generation_config.json is checked too', async () => {
  const folder = writeFolder({
    'config.json': llamaConfig,
    'model.onnx': '',
    'generation_config.json': '{"eos_token_id": {}}',
  });
  expect((await failure(folder)).message).toMatch(/generation_config\.json: field "eos_token_id"/);
});

test.each<[string, (config: typeof genaiConfig) => void, RegExp]>([
  [
    'no head_size',
    (c) => Reflect.deleteProperty(c.model.decoder, 'head_size'),
    /field "model\.decoder\.head_size": .*nothing/,
  ],
  ['no decoder', (c) => Reflect.deleteProperty(c.model, 'decoder'), /field "model\.decoder"/],
  [
    'a file outside',
    (c) => {
      c.model.decoder.filename = '../../etc/model.onnx';
    },
    /filename": expected a file beside it/,
  ],
  [
    'heads that do not divide',
    (c) => {
      c.model.decoder.num_key_value_heads = 3;
    },
    /multiple of/,
  ],
  [
    'an absurd head size',
    (c) => {
      c.model.decoder.head_size = 2 ** 40;
    },
    /head_size": expected at most/,
  ],
])('genai_config.json with %s', async (_, spoil, message) => {
  const config = structuredClone(genaiConfig);
  spoil(config);
  const error = await failure(writeFolder({ 'genai_config.json': config, 'model.onnx': '' }));
  expect(error.code).toBe('MODEL_INVALID');
  expect(error.message).toMatch(message);
});

test('the embedded model is found from the package root', async () => {
  const model = await resolveModel(undefined);
  expect(model).toMatchObject({ id: 'needle-28m', layout: 'transformers' });
});
