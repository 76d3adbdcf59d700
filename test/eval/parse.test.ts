import { describe, expect, it } from 'vitest';
import { evaluateNiah } from '../../src/eval/evaluate.js';
import { needsIndices, parseMethods } from '../../src/eval/methods/parse-methods.js';
import { parseDepths } from '../../src/eval/niah/parse-depths.js';
import { niahSuite } from '../../src/eval/niah/suite.js';
import { NIAH_CHOICE } from '../../src/eval/niah/tasks.js';
import { parseTasks } from '../../src/eval/parse-tasks.js';

const usage = (part: string) => expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(part) });
const names = (text: string | string[]) => parseTasks(text, NIAH_CHOICE).map(({ name }) => name);

describe('parseTasks', () => {
  it.each([
    ['single', ['niah_single_1', 'niah_single_2', 'niah_single_3']],
    ['multikey_2,kv', ['niah_multikey_2', 'kv_retrieval']],
    ['niah_multivalue multiquery', ['niah_multivalue', 'niah_multiquery']],
    ['kv,single_2,kv,single', ['kv_retrieval', 'niah_single_2', 'niah_single_1', 'niah_single_3']],
    ['vt,passkey', ['vt', 'passkey']],
  ])('reads %j', (text, expected) => {
    expect(names(text)).toEqual(expected);
  });

  it('knows the groups of all eight needle tasks and of everything', () => {
    expect(names('niah')).toHaveLength(8);
    expect(names(['all'])).toHaveLength(13);
  });

  it.each(['', ' , ', 'singel', 'constructor', 'single,nope'])('refuses %j', (text) => {
    expect(() => parseTasks(text, NIAH_CHOICE)).toThrow(usage('expected tasks such as'));
  });
});

describe('parseDepths', () => {
  it.each([
    [5, [0, 25, 50, 75, 100]],
    ['5', [0, 25, 50, 75, 100]],
    [1, [50]],
    [4, [0, 33.33, 66.67, 100]],
    ['100,0,50', [0, 50, 100]],
    ['12.5%', [12.5]],
    [
      [10, 10, 5],
      [5, 10],
    ],
  ])('reads %j', (depths, expected) => {
    expect(parseDepths(depths)).toEqual(expected);
  });

  it.each([0, 101, 2.5, '', 'a', '10,120', '-5,10', '1e1,2', []])('refuses %j', (depths) => {
    expect(() => parseDepths(depths)).toThrow(usage('expected a number of depths'));
  });
});

describe('parseMethods', () => {
  it('tells commas between sizes from commas between methods', () => {
    const methods =
      'dense, a_shape:128,1024,minference,block_sparse:50,vertical_slash:1000,2048,a_shape,flexprefill:0.9,512';
    expect(parseMethods(methods)).toEqual([
      { kind: 'dense', name: 'dense' },
      { kind: 'uniform', name: 'a_shape:128,1024', method: 'a_shape', sizes: [128, 1024] },
      { kind: 'file', name: 'minference' },
      { kind: 'uniform', name: 'block_sparse:50', method: 'block_sparse', sizes: [50] },
      { kind: 'uniform', name: 'vertical_slash:1000,2048', method: 'vertical_slash', sizes: [1000, 2048] },
      { kind: 'uniform', name: 'a_shape', method: 'a_shape' },
      { kind: 'uniform', name: 'flexprefill:0.9,512', method: 'flexprefill', sizes: [0.9, 512] },
    ]);
  });

  it('takes names with hyphens, and files with the indices of another prompt', () => {
    expect(parseMethods('streaming-llm-dilated,minference-static,minference-static:p.json')).toEqual([
      { kind: 'uniform', name: 'streaming_llm_dilated', method: 'streaming_llm_dilated' },
      { kind: 'file', name: 'minference_static', static: true },
      { kind: 'file', name: 'minference_static:p.json', path: 'p.json', static: true },
    ]);
  });

  it('knows which methods need inputs for explicit indices', () => {
    expect(needsIndices(parseMethods('dense,a_shape,minference,top-k,xattention'))).toBe(false);
    for (const name of ['tri-shape', 'streaming-llm-strided', 'minference-static']) {
      expect(needsIndices(parseMethods(`dense,${name}`))).toBe(true);
    }
  });

  it('takes pattern files by path', () => {
    expect(parseMethods('minference:a/b:c.json,minference:d.json')).toEqual([
      { kind: 'file', name: 'minference:a/b:c.json', path: 'a/b:c.json' },
      { kind: 'file', name: 'minference:d.json', path: 'd.json' },
    ]);
  });

  it.each([
    '',
    'denes',
    'dense,dense',
    'dense:1',
    'a_shape:1',
    'a_shape:1,2,3',
    'a_shape:-1,2',
    'a_shape:1,9999999999',
    'vertical_slash:1',
    'flexprefill:1.1,0',
    'flexprefill:0.5,0.5',
    'xattention:0.9,129',
    'minference:',
    'toString',
    Array.from({ length: 25 }, (_, index) => `block_sparse:${index}`),
  ])('refuses %j', (methods) => {
    expect(() => parseMethods(methods)).toThrow(usage('expected methods such as'));
  });
});

describe('the plan of eval niah', () => {
  it('fills in the defaults', () => {
    const plan = niahSuite.plan({});
    expect(plan).toMatchObject({
      lengths: [2048, 4096, 8192, 16_384],
      depths: [0, 25, 50, 75, 100],
      samples: 1,
      seed: 0,
    });
    expect(plan.methods.map(({ name }) => name)).toEqual(['dense', 'a_shape', 'minference']);
  });

  it('takes of the default lengths those that the model has positions for', () => {
    expect(niahSuite.plan({}, 5000).lengths).toEqual([2048, 4096]);
    expect(niahSuite.plan({}, 1500).lengths).toEqual([1500]);
  });

  it.each([
    [{ lengths: [] }, 'lengths'],
    [{ lengths: [100] }, 'tokens from 256'],
    [{ lengths: [1000.5] }, 'tokens from 256'],
    [{ samples: 0 }, 'samples'],
    [{ samples: 1.5 }, 'samples'],
    [{ seed: 0.1 }, 'seed'],
    [{ shard: '3/2' }, 'shard'],
    [{ depth: 5 }, 'depth'],
  ])('refuses %j before anything is loaded', async (options, part) => {
    await expect(evaluateNiah(options as never)).rejects.toThrow(usage(part));
  });
});
