import { beforeAll, describe, expect, it } from 'vitest';
import {
  compareWithDense,
  type Decoder,
  evaluateNiah,
  loadModel,
  MinferenceError,
  type PatternFile,
  prefill,
  search,
} from '../../src/index.js';
import { tinyPatterns, writeTinyModel } from '../cli/helpers/tiny-models.js';
import { sharedFolder } from '../utils/temporary-folder.js';

/** Nothing is there: who opens it fails with another code. */
const model = '/nowhere/model';
const usage = (message: RegExp, hint: RegExp = /./) => ({
  code: 'USAGE',
  message: expect.stringMatching(message),
  hint: expect.stringMatching(hint),
});
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error) => error,
  );

describe('options are checked before anything is loaded', () => {
  it.each([
    [{ threads: 0 }, /threads: expected a number of threads from 1 to 1024, found 0/],
    [{ threads: 1.5 }, /threads: .* without a fraction, found 1.5/],
    [{ deviceId: -1 }, /deviceId: expected the number of a CUDA device from 0/],
    [{ device: 'gpu' }, /device: expected one of auto, cpu, cuda, found "gpu"/],
    [{ graph: 'sparse' }, /graph: expected one of prefill, likelihood, probe, original/],
    [{ model: '' }, /model: expected a folder or a Hub id, found ""/],
    [{ model: 7 }, /model: expected a model folder/],
    [{ signal: {} }, /signal: expected an AbortSignal/],
    [{ progress: {} }, /progress: expected an object with the functions/],
  ])('loadModel(%j)', async (options, message) => {
    expect(await failureOf(loadModel({ model, ...options } as never))).toMatchObject(usage(message));
  });

  it.each([
    [{ length: 0 }, /length: expected a whole number from 256 to \d+, found 0/],
    [{ length: 1000.5 }, /length: .*found 1000.5/],
    [{ length: Number.NaN }, /length: .*found NaN/],
    [{ samples: 0 }, /samples: expected a number of prompts from 1/],
    [{ samples: '2' }, /samples: .*found "2"/],
    [{ seed: -1 }, /seed: expected a whole number from 0/],
    [{ objective: 'speed' }, /objective: expected one of answer, output, both, mass/],
    [{ budget: 20 }, /budget: expected a budget such as 20%, found 20/],
    [{ calibration: '' }, /calibration: expected calibration sets/],
    [{ threads: -2 }, /threads: expected/],
    [{ resume: 'no' }, /resume: expected true or false, found "no"/],
    [{ out: '' }, /out: expected the path of a file/],
  ])('search(%j)', async (options, message) => {
    expect(await failureOf(search({ model, ...options } as never))).toMatchObject(usage(message));
  });

  it.each([
    [{ lengths: [] }, /lengths: expected from 1 to 64 numbers of tokens, found \[\]/],
    [{ lengths: [1024, -1] }, /lengths.1: expected a number of tokens from 256 to \d+, found -1/],
    [{ lengths: 1024 }, /lengths: expected from 1 to 64 numbers of tokens, found 1024/],
    [{ samples: 0.5 }, /samples: expected a number of prompts/],
    [{ seed: Number.NaN }, /seed: expected a whole number/],
    [{ chunk: 0 }, /chunk: expected a number of tokens from 1 to \d+, found 0/],
    [{ tasks: [] }, /expected tasks such as/],
    [{ methods: [] }, /expected methods such as/],
    [{ depths: [] }, /expected a number of depths/],
    [{ depths: {} }, /depths: expected a number of depths/],
  ])('evaluateNiah(%j)', async (options, message) => {
    expect(await failureOf(evaluateNiah({ model, ...options } as never))).toMatchObject(usage(message));
  });

  it('unknown ones are refused with the name that was meant', async () => {
    expect(await failureOf(loadModel({ modle: model } as never))).toMatchObject(
      usage(/expected an option of loadModel, found "modle"/, /did you mean "model"/),
    );
    expect(await failureOf(search({ model, lenght: 512 } as never))).toMatchObject(usage(/"lenght"/, /"length"/));
    expect(await failureOf(evaluateNiah({ model, task: 'kv' } as never))).toMatchObject(usage(/"task"/, /"tasks"/));
    expect(await failureOf(search({ model }, { sginal: null } as never))).toMatchObject(usage(/"sginal"/, /"signal"/));
    const odd = await failureOf(search({ model, colour: 'red' } as never));
    expect(odd).toMatchObject(usage(/"colour"/, /^search takes model, /));
  });
});

describe('a loaded model checks what it is given', () => {
  const folder = sharedFolder();
  let decoder: Decoder;

  beforeAll(async () => {
    decoder = await loadModel({ model: await writeTinyModel(folder), device: 'cpu' });
    return () => decoder.dispose();
  });

  it.each([
    [{ chunk: 0 }, /chunk: expected a number of tokens from 1 to \d+, found 0/],
    [{ chunk: -64 }, /chunk: .*found -64/],
    [{ chunk: 64.5 }, /chunk: .*without a fraction, found 64.5/],
    [{ chunk: Number.NaN }, /chunk: .*found NaN/],
    [{ chunk: Number.POSITIVE_INFINITY }, /chunk: .*found Infinity/],
    [{ maxNewTokens: -1 }, /maxNewTokens: expected a number of tokens from 0/],
    [{ maxNewTokens: 1.5 }, /maxNewTokens: .*found 1.5/],
    [{ maxNewTokens: '4' }, /maxNewTokens: .*found "4"/],
    [{ chunks: 8 }, /expected an option of prefill, found "chunks"/],
  ])('%j', async (options, message) => {
    const expected = usage(message);
    expect(await failureOf(prefill(decoder, { prompt: [5, 6, 7], ...options } as never))).toMatchObject(expected);
    expect(await failureOf(decoder.prefill([5, 6, 7], { patterns: 'dense', ...options } as never))).toMatchObject(
      expected,
    );
  });

  it('in every other function too', async () => {
    expect(await failureOf(prefill({} as never, { prompt: 'hello' }))).toMatchObject(usage(/expected a loaded model/));
    expect(await failureOf(prefill(decoder, undefined as never))).toMatchObject(usage(/found nothing/));
    expect(await failureOf(prefill(decoder, { prompt: 7 } as never))).toMatchObject(usage(/prompt: expected a text/));
    expect(await failureOf(prefill(decoder, { prompt: [] }))).toMatchObject({ code: 'PROMPT_INVALID' });
    expect(
      await failureOf(compareWithDense(decoder, [5, 6], { patterns: 'dense', maxNewTokens: 1, chunk: 0 })),
    ).toMatchObject(usage(/chunk/));
    const filled = await decoder.prefill([5, 6, 7], { patterns: 'dense' });
    using _ = filled.cache;
    for (const options of [
      { maxNewTokens: Number.NaN },
      { maxNewTokens: -1 },
      { maxNewTokens: 1, stopTokenIds: [-5] },
    ]) {
      expect(await failureOf(decoder.generate(filled, options))).toMatchObject(usage(/maxNewTokens|stopTokenIds/));
    }
  });

  const contents = (change: (file: PatternFile) => void = () => {}): PatternFile => {
    const file = JSON.parse(tinyPatterns()) as PatternFile;
    change(file);
    return file;
  };

  it.each([
    ['a field too many', contents((file) => Object.assign(file, { colour: 'red' })), 'PATTERNS_INVALID', /"colour"/],
    [
      'another model’s fingerprint',
      contents((file) => Object.assign(file.model, { fingerprint: 'abc' })),
      'PATTERNS_MISMATCH',
      /fingerprint/,
    ],
    [
      'other shapes',
      contents((file) => Object.assign(file.model, { head_dim: 64 })),
      'PATTERNS_MISMATCH',
      /head_dim of layer 0/,
    ],
    ['a layer too few', [[{ type: 'dense' }]], 'PATTERNS_MISMATCH', /expected patterns of 2 layers, found 1/],
    ['no layer', [], 'PATTERNS_INVALID', /expected at least 1 entries, found 0/],
    [
      'a negative size',
      contents().layers.map(({ heads }) => heads.map((head) => ({ ...head, sink: -1 }))),
      'PATTERNS_INVALID',
      /patterns: 0\.0\.sink: expected at least 0, found -1/,
    ],
    [
      'a size that is no number',
      contents().layers.map(({ heads }) => heads.map((head) => ({ ...head, window: Number.NaN }))),
      'PATTERNS_INVALID',
      /0\.0\.window: .*found NaN/,
    ],
    [
      'an unknown type',
      contents().layers.map(({ heads }) => heads.map(() => ({ type: 'diagonal' }))),
      'PATTERNS_INVALID',
      /found "diagonal"/,
    ],
  ])('pattern objects with %s', async (_, patterns, code, message) => {
    const error = await failureOf(
      prefill(decoder, { prompt: [5, 6, 7], patterns: patterns as never, maxNewTokens: 1 }),
    );
    expect(error).toBeInstanceOf(MinferenceError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('auto means dense where configs/ has nothing for the model', async () => {
    const options = { prompt: [5, 6, 7], maxNewTokens: 1 };
    const [auto, dense] = [await prefill(decoder, { ...options, patterns: 'auto' }), await prefill(decoder, options)];
    expect(auto.logits).toEqual(dense.logits);
  });

  it('answers to one prompt at the same time do not overwrite each other', async () => {
    const filled = await decoder.prefill(
      Array.from({ length: 100 }, (_, index) => 5 + index),
      { patterns: 'dense', maxNewTokens: 64 },
    );
    using _ = filled.cache;
    const options = { maxNewTokens: 40, stopTokenIds: [] };
    // The same prompt going on with another first token: other keys and values in the rows after the prompt.
    const other = { ...filled, logits: filled.logits.map((logit) => -logit) };
    const [alone, otherAlone] = [await decoder.generate(filled, options), await decoder.generate(other, options)];
    expect(otherAlone.tokens[0]).not.toBe(alone.tokens[0]);
    const both = await Promise.all([decoder.generate(filled, options), decoder.generate(other, options)]);
    expect(both.map(({ tokens }) => tokens)).toEqual([alone.tokens, otherAlone.tokens]);
  });
});
