import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { loadTokenizer, type TextTokenizer } from '../../src/model/tokenizer.js';
import { median } from '../../src/utils/statistics.js';
import { openPlainDecoder, type PlainDecoder } from '../plain-decoder.js';
import { compareLogits, negativeLogLikelihood } from './logit-measures.js';
import { makeNeedlePrompts, type NeedlePrompt, type NeedleTask } from './needle-prompts.js';
import { nudgedLogits } from './nudge.js';

const TASKS: readonly NeedleTask[] = ['niah_single_2', 'niah_multikey_1', 'niah_multikey_3', 'kv_retrieval'];
const STOP = [5, 2];

/**
 * Compares exports of the embedded model in plain ONNX Runtime; the first folder is what the others are held against:
 *
 *     node dist/models/needle-28m/measure.js --text <book.txt> <folder of float32> <folder> …
 */
async function measure(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      text: { type: 'string' },
      /** Prompts per task and length; 0 leaves the needle test out. */
      samples: { type: 'string', default: '10' },
      /** Prompt lengths whose prefill is timed. */
      times: { type: 'string', default: '2048,4096,8192' },
    },
  });
  const tokenizer = await loadTokenizer({ folder: positionals[0]! });
  const windows = values.text ? await textWindows(tokenizer, values.text) : [];
  const samples = Number(values.samples);
  const prompts: NeedlePrompt[] = [];
  for (const length of samples ? [2048, 4096] : []) {
    prompts.push(...(await makeNeedlePrompts(tokenizer, { tasks: TASKS, length, samples, seed: 7 })));
  }
  let reference: Float32Array[] | undefined;
  for (const folder of positionals) {
    const modelPath = join(folder, 'onnx', 'model.onnx');
    const started = performance.now();
    const decoder = await openPlainDecoder(modelPath, { headDim: 64 });
    const loadMs = performance.now() - started;
    const logits: Float32Array[] = [];
    for (const window of windows) logits.push(await decoder.run(window, { reset: true }));
    reference ??= logits;
    const row = {
      folder,
      loadMs: Math.round(loadMs),
      ...(windows.length > 0 ? textMeasures(windows, logits, reference) : {}),
      ...(windows.length > 0 ? { nudged: await nudgedError(modelPath, windows[0]!, logits[0]!) } : {}),
      ...(await needleAccuracy(decoder, tokenizer, prompts)),
      ...(await times(decoder, values.times.split(',').filter(Boolean).map(Number))),
    };
    console.log(JSON.stringify(row));
    await decoder.release();
  }
}

/** Four pieces of 2,048 tokens from the middle of a text, each after BOS. */
async function textWindows(tokenizer: TextTokenizer, path: string): Promise<number[][]> {
  const text = await readFile(path, 'utf8');
  const ids = tokenizer.encode(text.slice(text.length * 0.4, text.length * 0.4 + 80_000), { addSpecialTokens: false });
  return Array.from({ length: 4 }, (_, index) => [1, ...ids.slice(index * 2047, (index + 1) * 2047)]);
}

function textMeasures(windows: number[][], logits: Float32Array[], reference: Float32Array[]) {
  const parts = windows.map((window, index) => ({
    nll: negativeLogLikelihood(logits[index]!, window),
    ...compareLogits(logits[index]!, reference[index]!, window.length),
  }));
  const mean = (pick: (part: (typeof parts)[number]) => number) =>
    parts.reduce((sum, part) => sum + pick(part), 0) / parts.length;
  return {
    perplexity: Math.exp(mean(({ nll }) => nll)),
    kl: mean(({ kl }) => kl),
    top1: mean(({ top1 }) => top1),
    rmsError: mean(({ rmsError }) => rmsError),
    maxError: Math.max(...parts.map(({ maxError }) => maxError)),
  };
}

async function needleAccuracy(decoder: PlainDecoder, tokenizer: TextTokenizer, prompts: readonly NeedlePrompt[]) {
  if (prompts.length === 0) return {};
  const right: Record<string, string> = {};
  let total = 0;
  for (const task of TASKS) {
    const own = prompts.filter((prompt) => prompt.task === task);
    let count = 0;
    for (const { tokens, references, maxNewTokens } of own) {
      const answer = await decoder.generate(tokens, { maxNewTokens, stopTokenIds: STOP });
      const text = tokenizer.decode(answer);
      if (references.every((reference) => text.includes(reference))) count++;
    }
    right[task] = `${count}/${own.length}`;
    total += count;
  }
  return { right: `${total}/${prompts.length}`, ...right };
}

/** Milliseconds of a prefill of each length (best of three) and of a decode step after the last one (median of 32). */
async function times(decoder: PlainDecoder, lengths: readonly number[]) {
  const result: Record<string, number> = {};
  for (const length of lengths) {
    const prompt = Array.from({ length }, (_, index) => 6 + ((index * 97) % 8000));
    const taken: number[] = [];
    for (let repeat = 0; repeat < 3; repeat++) {
      taken.push(await milliseconds(() => decoder.run(prompt, { reset: true })));
    }
    result[`prefill${length}`] = Math.round(Math.min(...taken));
  }
  if (lengths.length === 0) return result;
  const steps: number[] = [];
  for (let step = 0; step < 32; step++) steps.push(await milliseconds(() => decoder.run([100 + step])));
  return { ...result, decode: Number(median(steps).toFixed(1)) };
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function nudgedError(modelPath: string, tokens: readonly number[], logits: Float32Array): Promise<number> {
  return compareLogits(await nudgedLogits(modelPath, tokens), logits, tokens.length).maxError;
}

await measure();
