import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { rotaryTables } from '../../models/builder/rotary.js';
import { makeNeedlePrompts, NEEDLE_TASKS, type NeedleTask } from '../../models/needle-28m/needle-prompts.js';
import { openPlainDecoder } from '../../models/plain-decoder.js';
import { loadTokenizer } from '../../src/model/tokenizer.js';

const FOLDER = fileURLToPath(new URL('../../models/needle-28m', import.meta.url));
const MODEL = join(FOLDER, 'onnx', 'model.onnx');
const json = async (name: string) => JSON.parse(await readFile(join(FOLDER, name), 'utf8'));

describe('the folder', () => {
  test('holds the files whose hashes it records', async () => {
    const lines = (await readFile(join(FOLDER, 'SHA256SUMS'), 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(6);
    for (const line of lines) {
      const [hash, file] = line.split('  ') as [string, string];
      const content = await readFile(join(FOLDER, file));
      expect(createHash('sha256').update(content).digest('hex'), file).toBe(hash);
    }
  });

  test('has at most 32 MB of weights', async () => {
    const sizes = await Promise.all(['model.onnx', 'model.onnx_data'].map((name) => stat(join(FOLDER, 'onnx', name))));
    expect(sizes.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(32e6);
  });

  test('has a graph of the shapes that config.json says', async () => {
    const config = await json('config.json');
    const graph = fromBinary(ModelProtoSchema, await readFile(MODEL)).graph!;
    const attention = graph.node.filter(({ opType }) => opType === 'GroupQueryAttention');
    expect(attention).toHaveLength(config.num_hidden_layers);
    for (const { attribute } of attention) {
      const value = (name: string) => Number(attribute.find((entry) => entry.name === name)!.i);
      expect(value('num_heads')).toBe(config.num_attention_heads);
      expect(value('kv_num_heads')).toBe(config.num_key_value_heads);
      expect(value('do_rotary')).toBe(1);
    }
    const dims = (name: string) =>
      graph.initializer.find((tensor) => tensor.name === name)!.dims.map((size) => Number(size));
    const levels = dims('lm_head.MatMul.weight_Q8');
    expect(levels[0]).toBe(config.vocab_size);
    expect(levels[1]! * levels[2]!).toBe(config.hidden_size);
    const [high, , width] = dims('rotary_tables.cos_high');
    const [, low] = dims('rotary_tables.cos_low');
    expect(high! * low!).toBe(config.max_position_embeddings);
    expect(width! * 2).toBe(config.head_dim);
  });

  test('has the angles of its theta', async () => {
    const { rope_theta: ropeTheta, head_dim: rotaryDim } = await json('config.json');
    const tensor = fromBinary(ModelProtoSchema, await readFile(MODEL)).graph!.initializer.find(
      ({ name }) => name === 'rotary_tables.cos_low',
    )!;
    const entry = (key: string) => Number(tensor.externalData.find((item) => item.key === key)!.value);
    const data = await readFile(join(FOLDER, 'onnx', 'model.onnx_data'));
    const bytes = data.subarray(entry('offset'), entry('offset') + entry('length'));
    const positions = Array.from({ length: 256 }, (_, position) => position);
    expect(bytes.equals(Buffer.from(rotaryTables({ ropeTheta, rotaryDim }, positions).cos.buffer))).toBe(true);
  });

  test('has a tokenizer of the same vocabulary, and token ids that mean what the configs say', async () => {
    const config = await json('config.json');
    const tokenizer = await json('tokenizer.json');
    expect(Object.keys(tokenizer.model.vocab).length).toBe(config.vocab_size);
    const id = (content: string) =>
      tokenizer.added_tokens.find((token: { content: string }) => token.content === content).id;
    expect(config.bos_token_id).toBe(id('<|bos|>'));
    expect(config.eos_token_id).toEqual([id('<|end|>'), id('<|eos|>')]);
    expect(config.pad_token_id).toBe(id('<|pad|>'));
    expect((await json('generation_config.json')).eos_token_id).toEqual(config.eos_token_id);
  });
});

test('plain ONNX Runtime loads it and finds the needle', { timeout: 180_000 }, async () => {
  const tokenizer = await loadTokenizer({ folder: FOLDER });
  const decoder = await openPlainDecoder(MODEL, { headDim: 64 });
  const tasks = Object.keys(NEEDLE_TASKS) as NeedleTask[];
  const prompts = [
    ...(await makeNeedlePrompts(tokenizer, { tasks, length: 1024, samples: 1, seed: 11 })),
    ...(await makeNeedlePrompts(tokenizer, { tasks: ['niah_single_2'], length: 2048, samples: 1, seed: 11 })),
  ];
  for (const { task, tokens, references, maxNewTokens } of prompts) {
    expect(tokens.slice(0, 2)).toEqual([1, 3]);
    const answer = await decoder.generate(tokens, { maxNewTokens, stopTokenIds: [5, 2] });
    for (const reference of references) expect(tokenizer.decode(answer), task).toContain(reference);
  }
  await decoder.release();
});
