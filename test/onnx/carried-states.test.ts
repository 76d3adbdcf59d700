import { expect, test } from 'vitest';
import type { DecoderSpec } from '../../models/builder/spec.js';
import { describeOriginal, inspectAttention, rewriteForPrefill } from '../../src/onnx/rewrite/rewrite-model.js';
import type { OnnxModel } from '../../src/onnx/types.js';
import { builtModel } from './helpers/built.js';

const facts = ({ input, output, shape, keeps, window }: ReturnType<typeof rewriteForPrefill>['states'][number]) => [
  input,
  output,
  shape,
  keeps,
  window,
];
const statesOf = (spec: DecoderSpec) => rewriteForPrefill(builtModel({ numLayers: 2, ...spec })).states.map(facts);

test('states of linear attention keep their size, beside caches in buffers', () => {
  expect(statesOf({ layerKinds: { 0: 'linear' } })).toEqual([
    ['past_key_values.1.key', 'present.1.key', [1, 2, null, 16], 'buffer', null],
    ['past_key_values.1.value', 'present.1.value', [1, 2, null, 16], 'buffer', null],
    ['past_key_values.0.conv_state', 'present.0.conv_state', [1, 192, 3], 'fixed', null],
    ['past_key_values.0.recurrent_state', 'present.0.recurrent_state', [1, 4, 16, 16], 'fixed', null],
  ]);
});

test('short convolutions by the names that transformers.js reads', () => {
  expect(statesOf({ layerKinds: { 0: 'conv' } }).at(-1)).toEqual([
    'past_conv.0',
    'present_conv.0',
    [1, 64, 2],
    'fixed',
    null,
  ]);
});

test('a cache that the graph cuts says to how many rows', () => {
  const window = { size: 40, layers: [1] };
  const states = statesOf({ style: 'optimum', layerKinds: { 1: 'sliding' }, slidingWindow: window });
  expect(states.slice(2)).toEqual([
    ['past_key_values.1.key', 'present.1.key', [1, 2, null, 16], 'grown', 39],
    ['past_key_values.1.value', 'present.1.value', [1, 2, null, 16], 'grown', 39],
  ]);
});

test('attention that ONNX Runtime runs has a buffer where its op takes one', () => {
  const keeps = (spec: DecoderSpec) => statesOf(spec).map((state) => state[3]);
  expect(keeps({ layerKinds: { 1: 'smooth' } })).toEqual(['buffer', 'buffer', 'buffer', 'buffer']);
  expect(keeps({ style: 'optimum', layerKinds: { 0: 'biased' } }).sort()).toEqual([
    'buffer',
    'buffer',
    'grown',
    'grown',
  ]);
  // The layer that reads another one's present takes its length from its shape.
  expect(keeps({ style: 'optimum', layerKinds: { 1: 'shared' } })).toEqual(['grown', 'grown']);
  expect(keeps({ layerKinds: { 1: 'shared' } })).toEqual(['buffer', 'buffer']);
});

/** Gives the caches of a model a length of their own. */
function withRows(model: OnnxModel, rows: number): OnnxModel {
  for (const { name, type } of [...model.proto.graph!.input, ...model.proto.graph!.output]) {
    if (!/^(past|present)/.test(name) || type?.value.case !== 'tensorType') continue;
    type.value.value.shape!.dim[2]!.value = { case: 'dimValue', value: BigInt(rows) };
  }
  return model;
}

test('caches of a declared length are buffers of that length; windowed ones that their op moves are not', () => {
  const declared = withRows(builtModel({ numLayers: 1 }), 256);
  expect(rewriteForPrefill(declared).states.map(facts)[0]!.slice(2)).toEqual([[1, 2, 256, 16], 'buffer', null]);
  const windowed = withRows(builtModel({ numLayers: 2, slidingWindow: { size: 32, layers: [1] } }), 64);
  const node = windowed.proto.graph!.node.findLast(({ opType }) => opType === 'GroupQueryAttention')!;
  const window = node.attribute.find(({ name }) => name === 'local_window_size')!;
  node.attribute.push({ ...window, name: 'sliding_window_cache', i: 1n });
  const kept = describeOriginal(windowed).states.map(facts);
  expect(kept.find(([input]) => input === 'past_key_values.1.key')!.slice(2)).toEqual([[1, 2, 64, 16], 'fixed', null]);
});

test('the configuration names what no habit names', () => {
  const model = builtModel({ numLayers: 2, layerKinds: { 0: 'conv' } });
  const rename = (name: string) => (name === 'past_conv.0' ? 'memory.0' : name === 'present_conv.0' ? 'kept.0' : name);
  const graph = model.proto.graph!;
  for (const node of graph.node) [node.input, node.output] = [node.input.map(rename), node.output.map(rename)];
  for (const info of [...graph.input, ...graph.output]) info.name = rename(info.name);
  const inputs = (stateNames?: Map<string, string>) =>
    rewriteForPrefill(model, stateNames ? { stateNames } : {}).states.map(({ input }) => input);
  expect(inputs()).not.toContain('memory.0');
  expect(inputs(new Map([['memory.0', 'kept.0']]))).toContain('memory.0');
});

test('layers are numbered as the model numbers them', () => {
  const numbers = (spec: DecoderSpec, numLayers = 4) => {
    const {
      layers,
      leftAlone,
      numLayers: total,
    } = inspectAttention(builtModel({ numLayers: 4, ...spec }), { numLayers });
    return [layers.map(({ layer }) => layer), leftAlone.map(({ layer, numHeads }) => [layer, numHeads]), total];
  };
  expect(numbers({ layerKinds: { 0: 'linear', 2: 'smooth' } })).toEqual([
    [1, 3],
    [
      [0, 0],
      [2, 4],
    ],
    4,
  ]);
  expect(numbers({ layerKinds: { 3: 'shared' } })).toEqual([[0, 1, 2], [[3, 4]], 4]);
  // Exports of models with shared caches count the layers that have one.
  expect(numbers({ layerKinds: { 3: 'shared' } }, 3)).toEqual([[0, 1, 2], [[3, 4]], 4]);
  expect(numbers({}, 6)).toEqual([
    [0, 1, 2, 3],
    [
      [4, 0],
      [5, 0],
    ],
    6,
  ]);
});
