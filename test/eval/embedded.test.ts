import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { evaluateNiah } from '../../src/eval/evaluate.js';
import { readResults } from '../../src/eval/harness/read-results.js';
import { CATALOG } from '../../src/eval/methods/catalog.js';
import { evaluatePerplexity } from '../../src/eval/ppl/evaluate.js';
import { temporaryFolder } from '../utils/temporary-folder.js';

it('evaluates the embedded model: it retrieves when dense and when its diagonals and columns are kept', async () => {
  const out = join(temporaryFolder(), 'niah');
  const { results, prompts, timings } = await evaluateNiah({
    lengths: [1024],
    depths: '30,60',
    samples: 1,
    tasks: 'single_2,multikey_3,kv',
    methods: 'dense,vertical_slash:300,600,a_shape:1,1',
    device: 'cpu',
    out,
  });
  const score = (method: string) =>
    results.aggregates.find((row) => row.method === method && row.length === 1024)!.score;
  expect(score('dense')).toBe(100);
  expect(score('vertical_slash:300,600')).toBe(100);
  // In the middle of 1,024 tokens the needle is out of the window's sight.
  expect(score('a_shape:1,1')).toBeLessThan(100);
  expect(timings.loadMs).toBeGreaterThan(0);

  const file = await readResults(out);
  expect(file).toEqual(results);
  expect(file.device.kind).toBe('cpu');
  expect(prompts).toHaveLength(6);
  for (const { task, prompt_tokens, answers } of prompts) {
    expect(prompt_tokens + (task === 'kv_retrieval' ? 80 : 128)).toBeLessThanOrEqual(1024);
    for (const { prefill_ms, new_tokens } of answers) {
      expect(prefill_ms).toBeGreaterThan(0);
      expect(new_tokens).toBeGreaterThan(0);
    }
    expect(answers[0]!.stopped).toBe('eos');
  }
  expect(existsSync(join(out, 'heatmap.svg'))).toBe(true);
}, 300_000);

it('measures the perplexity of the embedded model: more context helps, and hiding it costs', async () => {
  const { results, timings } = await evaluatePerplexity({
    lengths: [128, 1024],
    documents: 3,
    methods: 'dense,vertical_slash:1024,1024,a_shape:1,16',
    device: 'cpu',
  });
  const row = (method: string, length = 1024) =>
    results.rows.find((row) => row.method === method && row.length === length)!;
  // A model that knows nothing would find one token in 8,192.
  expect(row('dense').perplexity).toBeLessThan(100);
  expect(row('dense').perplexity_by_token).toBeLessThan(row('dense', 128).perplexity_by_token);
  // All columns and diagonals are dense attention.
  expect(Math.abs(row('vertical_slash:1024,1024').difference!)).toBeLessThan(0.01);
  expect(row('a_shape:1,16').ratio).toBeGreaterThan(1.1);
  expect(row('a_shape:1,16').computed).toBeLessThan(0.5);
  expect(results.data.documents).toHaveLength(3);
  expect(timings.loadMs).toBeGreaterThan(0);
}, 300_000);

it('runs every method, of a prompt’s own and of others’ indices, and fits one to a cost', async () => {
  const names = Object.keys(CATALOG).filter((name) => name !== 'slash');
  const { results } = await evaluateNiah({
    lengths: [1024],
    depths: '1',
    samples: 1,
    tasks: 'single_2',
    methods: ['dense', 'minference_static', ...names.map((name) => `${name}:${SMALL[name]!.join()}`), 'slash'],
    equalCost: 0.5,
    device: 'cpu',
  });
  const row = (method: string) => results.aggregates.find((row) => row.method.split(':')[0] === method)!;
  expect(results.failures).toEqual([]);
  expect(row('dense')).toMatchObject({ score: 100, computed: 1 });
  for (const name of ['minference_static', ...names]) {
    expect(row(name).computed).toBeGreaterThan(0);
    // Its six nearest blocks and eight last rows of blocks are all of a prompt of eight blocks.
    if (name === 'flashprefill') expect(row(name).computed).toBeGreaterThan(0.9);
    else expect(row(name).computed).toBeLessThan(1);
  }
  expect(row('slash').computed).toBeLessThanOrEqual(0.55);
  expect(row('slash').computed).toBeGreaterThan(0.3);
}, 300_000);

const SMALL: Record<string, readonly number[]> = {
  ...{ a_shape: [32, 64], streaming_llm: [32, 64], streaming_llm_dilated: [32, 128], tri_shape: [32, 64, 64] },
  ...{ streaming_llm_strided: [32, 64, 128], vertical_slash: [64, 64], vertical: [64], block_sparse: [2] },
  ...{ top_k: [64], infllm: [1, 64], flexprefill: [0.5, 128], xattention: [0.5, 16], flashprefill: [0.5] },
};
