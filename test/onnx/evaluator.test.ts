import { describe, expect, test } from 'vitest';
import type { Attribute } from '../../models/builder/attributes.js';
import type { ElementType } from '../../models/builder/tensor-proto.js';
import { Evaluator } from '../../src/onnx/evaluate/evaluator.js';
import { NotEvaluable } from '../../src/onnx/evaluate/tensor.js';
import { Graph } from '../../src/onnx/graph.js';
import { serializeModel } from '../../src/onnx/model-file.js';
import { Session } from '../../src/runtime/session.js';
import { TinyGraph } from './helpers/tiny-graph.js';

const CALL = { past: 3, sequence: 4 };

/** A constant operand: elements, and dimensions when there is more than one. */
type Operand = number | readonly number[] | { dims: readonly number[]; values?: readonly number[]; type?: ElementType };

const count = (dims: readonly number[]) =>
  Array.from({ length: dims.reduce((product, dim) => product * dim, 1) }, (_, i) => i - 3);

const CASES: [string, Operand[], Record<string, Attribute>?, ElementType?][] = [
  ['Range', [2, 9, 3]],
  ['Range', [9, 2, -2]],
  ['Add', [{ dims: [3, 1] }, { dims: [4] }]],
  ['Sub', [{ dims: [2, 3, 1] }, { dims: [3, 2] }]],
  ['Mul', [{ dims: [2, 2] }, -3]],
  ['Div', [{ dims: [5] }, 2]],
  [
    'Div',
    [
      { dims: [5], type: 'float32' },
      { dims: [], values: [2], type: 'float32' },
    ],
  ],
  ['Mod', [{ dims: [7] }, 3]],
  ['Neg', [{ dims: [4] }]],
  ['Abs', [{ dims: [6] }]],
  ['Sqrt', [{ dims: [3], values: [0, 4, 9], type: 'float32' }]],
  ['Less', [{ dims: [2, 3] }, { dims: [3] }], {}, 'bool'],
  ['LessOrEqual', [{ dims: [3, 1] }, { dims: [4] }], {}, 'bool'],
  ['Greater', [{ dims: [3, 1] }, { dims: [4] }], {}, 'bool'],
  ['GreaterOrEqual', [{ dims: [3, 1] }, { dims: [4] }], {}, 'bool'],
  ['Equal', [{ dims: [3, 1] }, { dims: [4] }], {}, 'bool'],
  [
    'And',
    [
      { dims: [2], values: [0, 1], type: 'bool' },
      { dims: [2, 1], values: [0, 1], type: 'bool' },
    ],
    {},
    'bool',
  ],
  [
    'Or',
    [
      { dims: [2], values: [0, 1], type: 'bool' },
      { dims: [2, 1], values: [0, 1], type: 'bool' },
    ],
    {},
    'bool',
  ],
  [
    'Xor',
    [
      { dims: [2], values: [0, 1], type: 'bool' },
      { dims: [2, 1], values: [0, 1], type: 'bool' },
    ],
    {},
    'bool',
  ],
  ['Not', [{ dims: [2], values: [0, 1], type: 'bool' }], {}, 'bool'],
  ['Where', [{ dims: [3], values: [0, 1, 0], type: 'bool' }, { dims: [2, 3] }, 7]],
  ['Cast', [{ dims: [4], values: [-1.5, -0.5, 0.5, 2.7], type: 'float32' }], { to: { int: 7 } }],
  ['Cast', [{ dims: [3], values: [0, 2, -1], type: 'int64' }], { to: { int: 9 } }, 'bool'],
  ['Reshape', [{ dims: [2, 6] }, [0, 3, -1]]],
  ['Flatten', [{ dims: [2, 3, 2] }], { axis: { int: 2 } }],
  ['Unsqueeze', [{ dims: [2, 3] }, [0, 3]]],
  ['Squeeze', [{ dims: [1, 3, 1] }, [0]]],
  ['Squeeze', [{ dims: [1, 3, 1] }]],
  ['Expand', [{ dims: [3, 1] }, [2, 1, 4]]],
  ['Transpose', [{ dims: [2, 3, 4] }], { perm: { ints: [2, 0, 1] } }],
  ['Transpose', [{ dims: [2, 3] }]],
  ['Gather', [{ dims: [3, 4] }, { dims: [2, 1], values: [2, -1] }], { axis: { int: 1 } }],
  ['Gather', [{ dims: [5] }, 2]],
  ['GatherND', [{ dims: [2, 3, 2] }, { dims: [2, 2], values: [0, 1, 1, -1] }]],
  ['Concat', [{ dims: [2, 2] }, { dims: [2, 3] }], { axis: { int: -1 } }],
  ['Slice', [{ dims: [5, 4] }, [1, -3], [5, Number.MAX_SAFE_INTEGER], [0, 1]]],
  ['Slice', [{ dims: [6] }, [-1], [-100], [0], [-2]]],
  ['Slice', [{ dims: [6] }, [0], [2]]],
  ['ConstantOfShape', [[2, 3]], {}, 'float32'],
  ['Trilu', [{ dims: [2, 4, 4] }, 1], { upper: { int: 1 } }],
  ['Trilu', [{ dims: [3, 5] }, -1], { upper: { int: 0 } }],
  ['CumSum', [{ dims: [2, 3] }, 1]],
  ['ReduceSum', [{ dims: [2, 3, 2] }, [1]], { keepdims: { int: 0 } }],
  ['ReduceMax', [{ dims: [2, 3] }, [-1]], { keepdims: { int: 1 } }],
  ['ReduceMin', [{ dims: [2, 3] }]],
  ['Min', [{ dims: [4] }, 0]],
  ['Max', [{ dims: [4] }, 0]],
];

describe('ops give what ONNX Runtime gives', () => {
  test.each(CASES)('%s %j', async (op, operands, attributes = {}, type = undefined) => {
    const g = new TinyGraph();
    const inputs = operands.map((operand) => {
      if (typeof operand !== 'object' || !('dims' in operand)) return g.constant(operand);
      return g.constant(operand.values ?? count(operand.dims), operand.type ?? 'int64', operand.dims);
    });
    const [first] = operands;
    const own = typeof first === 'object' && 'dims' in first ? (first.type ?? 'int64') : 'int64';
    const branch = op === 'Where' ? 'int64' : own;
    g.node(op, inputs, { outputs: ['result'], attributes });
    g.output('result', type ?? (attributes.to ? 'int64' : branch), []);
    const { proto } = g.model();
    // The declared rank would contradict the result's: only the name counts.
    proto.graph!.output[0]!.type!.value = {
      case: 'tensorType',
      value: { ...(proto.graph!.output[0]!.type!.value.value as object), shape: undefined } as never,
    };
    const ours = new Evaluator(new Graph(proto), CALL);
    using session = await Session.create({ model: serializeModel(proto), device: 'cpu', optimization: 'none' });
    const { result } = await session.run({}, { result: 'host' });
    const value = ours.value('result');
    expect([...value.data].map((x) => x + 0)).toEqual(Array.from(result!.data() as never, (x) => Number(x) + 0));
    expect(value.shape).toEqual([...result!.shape]);
    expect(ours.shape('result')).toEqual([...result!.shape]);
  });
});

/** A graph whose values have no declared types. */
function plain(build: (g: TinyGraph) => void): Evaluator {
  const g = new TinyGraph();
  g.input('input_ids', 'int64', ['batch', 'rows']);
  g.input('attention_mask', 'int64', ['batch', 'all']);
  g.input('position_ids', 'int64', ['batch', 'rows']);
  g.input('past_key_values.0.key', 'float16', ['batch', 2, 'past', 16]);
  g.input('elsewhere', 'float32', ['batch', 'what']);
  build(g);
  return new Evaluator(new Graph(g.model().proto), CALL);
}

describe('shapes and types of a call', () => {
  test('inputs have the lengths of the call', () => {
    const call = plain(() => {});
    expect(call.shape('input_ids')).toEqual([1, 4]);
    expect(call.shape('attention_mask')).toEqual([1, 7]);
    expect(call.shape('past_key_values.0.key')).toEqual([1, 2, 3, 16]);
    expect(call.shape('elsewhere')).toBeNull();
    expect(call.shape('nowhere')).toBeNull();
    expect([...call.value('attention_mask').data]).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect([...call.value('position_ids').data]).toEqual([3, 4, 5, 6]);
  });

  test('follow through projections, heads and concatenations', () => {
    const call = plain((g) => {
      g.node('Gather', [g.random('embedding', [9, 32], 'float16'), 'input_ids'], { outputs: ['x'] });
      g.node('MatMul', ['x', g.random('w', [32, 64], 'float16')], { outputs: ['q'] });
      g.node('Reshape', ['q', g.constant([0, 0, -1, 16])], { outputs: ['split'] });
      g.node('Transpose', ['split'], { outputs: ['heads'], attributes: { perm: { ints: [0, 2, 1, 3] } } });
      g.node('Slice', ['heads', g.constant([0]), g.constant([2]), g.constant([1])], { outputs: ['two'] });
      g.node('Concat', ['past_key_values.0.key', 'two'], { outputs: ['k'], attributes: { axis: { int: -2 } } });
      g.node('Split', ['q'], { outputs: ['s0', 's1'], attributes: { axis: { int: -1 } } });
      g.node('Cast', ['k'], { outputs: ['wide'], attributes: { to: { int: 1 } } });
    });
    expect(call.shape('heads')).toEqual([1, 4, 4, 16]);
    expect(call.shape('k')).toEqual([1, 2, 7, 16]);
    expect(call.shape('s1')).toEqual([1, 4, 32]);
    expect([call.elementType('k'), call.elementType('wide')]).toEqual([10, 1]);
  });

  test('what depends on tokens, hidden states or unknown inputs has no value', () => {
    const call = plain((g) => {
      g.node('Less', ['input_ids', g.constant(5)], { outputs: ['small'] });
      g.node('Neg', ['elsewhere'], { outputs: ['other'] });
      g.node('Resize', [g.constant(5)], { outputs: ['unknown op'] });
      g.node('Neg', [g.constant(5)], { outputs: ['foreign'], domain: 'com.microsoft' });
    });
    for (const name of ['small', 'other', 'unknown op', 'foreign', 'input_ids', 'nowhere', '']) {
      expect(() => call.value(name), name).toThrow(NotEvaluable);
    }
    expect(call.shape('small')).toEqual([1, 4]);
  });

  test('dimensions that contradict each other are unknown', () => {
    const g = new TinyGraph();
    g.input('input_ids', 'int64', ['batch', 'n']);
    g.input('attention_mask', 'int64', ['batch', 'n']);
    g.input('elsewhere', 'float32', ['n']);
    const call = new Evaluator(new Graph(g.model().proto), CALL);
    expect(call.shape('elsewhere')).toBeNull();
    expect(call.shape('attention_mask')).toEqual([1, 7]);
  });
});

describe('nodes of no sense', () => {
  const broken: [string, (g: TinyGraph) => string][] = [
    ['a range without end', (g) => g.node('Range', [g.constant(0), g.constant(5), g.constant(0)])],
    ['a range of too much', (g) => g.node('Range', [g.constant(0), g.constant(1e12), g.constant(1)])],
    ['a negative length', (g) => g.node('ConstantOfShape', [g.constant([-5])])],
    ['a fraction of a length', (g) => g.node('ConstantOfShape', [g.constant([2.5], 'float32')])],
    ['too many elements', (g) => g.node('Expand', [g.constant(1), g.constant([1e6, 1e6])])],
    ['an axis out of range', (g) => g.node('CumSum', [g.constant([1, 2]), g.constant(7)])],
    ['no inputs', (g) => g.node('Reshape', [])],
    ['a reshape to other sizes', (g) => g.node('Reshape', [g.constant([1, 2, 3]), g.constant([7])])],
    ['shapes that do not broadcast', (g) => g.node('Add', [g.constant([1, 2, 3]), g.constant([1, 2])])],
    [
      'a permutation of no sense',
      (g) => g.node('Transpose', [g.constant([1, 2])], { attributes: { perm: { ints: [5] } } }),
    ],
  ];
  test.each(broken)('%s has no value, and nothing breaks', (_, build) => {
    let name = '';
    const call = plain((g) => {
      name = build(g);
    });
    expect(() => call.value(name)).toThrow(NotEvaluable);
  });
});

test('what is not known stays so through comparisons and logic, unless the other operand decides', () => {
  const g = new TinyGraph();
  g.input('states', 'float32', [1, 'anything']);
  const unknown = g.node('Gather', [g.node('Shape', ['states']), g.constant(1)]);
  const less = g.node('Less', [unknown, g.constant(5)]);
  const [no, yes] = [g.constant(0, 'bool'), g.constant(1, 'bool')];
  const to = (type: number) => ({ attributes: { to: { int: type } } });
  const unknowns = [
    less,
    g.node('Not', [less]),
    g.node('And', [yes, less]),
    g.node('Or', [no, less]),
    g.node('Cast', [unknown], to(9)),
    g.node('Cast', [unknown], to(7)),
    g.node('Where', [less, g.constant(1), g.constant(2)]),
  ];
  const decided = [g.node('And', [no, less]), g.node('Or', [yes, less])];
  for (const name of [...unknowns, ...decided]) g.output(name, 'bool', []);
  const evaluator = new Evaluator(new Graph(g.model().proto), CALL);
  const values = (names: readonly string[]) => names.map((name) => evaluator.value(name).data[0]);
  expect(values(unknowns)).toEqual(unknowns.map(() => Number.NaN));
  expect(values(decided)).toEqual([0, 1]);
});
