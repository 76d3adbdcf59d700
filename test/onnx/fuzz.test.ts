import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { type GraphProto, ModelProtoSchema, type NodeProto } from 'onnx-buf';
import { describe, test } from 'vitest';
import { MinferenceError } from '../../src/errors.js';
import { fingerprintModel } from '../../src/onnx/fingerprint.js';
import { checkExternalData, readOnnxModel, serializeModel } from '../../src/onnx/model-file.js';
import { inspectAttention, rewriteForPrefill, rewriteForProbe } from '../../src/onnx/rewrite/rewrite-model.js';
import type { OnnxModel } from '../../src/onnx/types.js';
import { temporaryFolder } from '../utils/temporary-folder.js';
import { builtModel } from './helpers/built.js';
import { tinyDecoder } from './helpers/decoder.js';

const RUNS = { numRuns: 100, seed: 3 };

const MODELS: (() => OnnxModel)[] = [
  () => builtModel({ numLayers: 1 }),
  () => builtModel({ numLayers: 1, dtype: 'int4' }),
  () => tinyDecoder({ form: 'decomposed', mask: 'padding', layers: 1, parts: { nanGuard: true, softcap: 2 } }),
  () => tinyDecoder({ form: 'Attention 4D', mask: 'bool', layers: 1, opset: 23 }),
  () => tinyDecoder({ form: 'MultiHeadAttention', mask: 'trilu', kvHeads: 4, layers: 1 }),
];
const anyModel = fc.constantFrom(...MODELS);

/** Everything that is done with a model before a session is made. Errors must be ours. */
function work(model: OnnxModel): void {
  for (const step of [
    () => fingerprintModel(model, ''),
    () => inspectAttention(model),
    () => expectSound(rewriteForPrefill(model).proto.graph!),
    () => expectSound(rewriteForProbe(model).proto.graph!),
  ]) {
    try {
      step();
    } catch (error) {
      if (!(error instanceof MinferenceError)) throw error;
    }
  }
}

/** Producers come before their readers, and nothing has two. */
function expectSound({ node, input, initializer }: GraphProto): void {
  const known = new Set([...input, ...initializer].map(({ name }) => name));
  const produced = new Set(node.flatMap(({ output }) => output));
  for (const { opType, input: inputs, output } of node) {
    for (const name of inputs) {
      if (name && produced.has(name) && !known.has(name)) throw new Error(`${opType} reads ${name} before it is there`);
    }
    for (const name of output) {
      if (name && known.has(name)) throw new Error(`${opType} gives ${name}, which is there already`);
      known.add(name);
    }
  }
}

describe('bytes', () => {
  const readAll = async (bytes: Uint8Array, path: string) => {
    writeFileSync(path, bytes);
    try {
      const model = await readOnnxModel(path);
      work(model);
      await checkExternalData(model);
      serializeModel(model.proto);
    } catch (error) {
      if (!(error instanceof MinferenceError)) throw error;
    }
  };

  test('truncated files never crash or hang', async () => {
    const path = join(temporaryFolder(), 'model.onnx');
    await fc.assert(
      fc.asyncProperty(anyModel, fc.double({ min: 0, max: 1, noNaN: true }), async (make, share) => {
        const bytes = toBinary(ModelProtoSchema, make().proto);
        await readAll(bytes.subarray(0, Math.floor(share * bytes.length)), path);
      }),
      RUNS,
    );
  });

  test('flipped bits never crash or hang', async () => {
    const path = join(temporaryFolder(), 'model.onnx');
    const flips = fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(7)), {
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(anyModel, flips, async (make, places) => {
        const bytes = toBinary(ModelProtoSchema, make().proto);
        for (const [share, bit] of places) bytes[Math.floor(share * bytes.length)]! ^= 1 << bit;
        await readAll(bytes, path);
      }),
      RUNS,
    );
  });
});

describe('graphs', () => {
  type Change = (graph: GraphProto, pick: (below: number) => number) => void;
  const someNode = (graph: GraphProto, pick: (below: number) => number): NodeProto | undefined =>
    graph.node[pick(graph.node.length)];
  const someValue = (graph: GraphProto, pick: (below: number) => number): string => {
    const names = [
      ...graph.node.flatMap(({ output }) => output),
      ...graph.input.map(({ name }) => name),
      ...graph.initializer.map(({ name }) => name),
      '',
      'nowhere',
    ];
    return names[pick(names.length)]!;
  };
  const CHANGES: Change[] = [
    (graph, pick) => {
      const node = someNode(graph, pick);
      if (node && node.input.length > 0) node.input[pick(node.input.length)] = someValue(graph, pick);
    },
    (graph, pick) => {
      const node = someNode(graph, pick);
      if (node) node.input = node.input.slice(0, pick(node.input.length + 1));
    },
    (graph, pick) => {
      const node = someNode(graph, pick);
      if (node) node.output = node.output.slice(0, pick(node.output.length + 1));
    },
    (graph, pick) => {
      const node = someNode(graph, pick);
      if (node) node.opType = someNode(graph, pick)?.opType ?? '';
    },
    (graph, pick) => {
      const attributes = someNode(graph, pick)?.attribute ?? [];
      const attribute = attributes[pick(attributes.length || 1)];
      if (!attribute) return;
      attribute.i = [-1n, 0n, 7n, -(2n ** 63n)][pick(4)]!;
      attribute.ints = attribute.ints.map(() => BigInt(pick(9) - 4));
    },
    (graph, pick) => {
      const node = someNode(graph, pick);
      if (node) node.attribute = [];
    },
    (graph, pick) => {
      const tensor = graph.initializer[pick(graph.initializer.length || 1)];
      if (tensor) tensor.dims = [0n, -1n, 2n ** 40n, 3n].slice(0, pick(5));
    },
    (graph, pick) => {
      const tensor = graph.initializer[pick(graph.initializer.length || 1)];
      if (tensor) tensor.dataType = pick(30);
    },
    (graph, pick) => {
      const type = graph.input[pick(graph.input.length || 1)]?.type?.value;
      if (type?.case === 'tensorType') type.value.shape!.dim.splice(pick(3), 1);
    },
    (graph, pick) => graph.input.splice(pick(graph.input.length + 1), 1),
    (graph, pick) => graph.output.splice(pick(graph.output.length + 1), 1),
    (graph, pick) => graph.node.splice(pick(graph.node.length + 1), 1),
    (graph) => graph.node.reverse(),
  ];

  test('changed at random are rewritten soundly or refused', () => {
    const plan = fc.array(fc.tuple(fc.nat(CHANGES.length - 1), fc.infiniteStream(fc.nat(1_000_000))), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(anyModel, plan, (make, changes) => {
        const model = make();
        for (const [change, stream] of changes) {
          CHANGES[change]!(model.proto.graph!, (below) => (stream.next().value as number) % Math.max(1, below));
        }
        work(model);
      }),
      { ...RUNS, numRuns: 250 },
    );
    // Hundreds of graphs: on a busy machine more than a minute.
  }, 300_000);

  test('sums of sums, whose paths are countless, take no time', () => {
    const model = tinyDecoder({ form: 'decomposed', mask: 'bool', layers: 1 });
    const softmax = model.proto.graph!.node.find(({ opType }) => opType === 'Softmax')!;
    let value = softmax.input[0]!;
    for (let i = 0; i < 60; i++) {
      const add = structuredCloneNode(softmax, `add${i}`, [value, value]);
      model.proto.graph!.node.push(add);
      value = add.output[0]!;
    }
    softmax.input[0] = value;
    work(model);
  });
});

function structuredCloneNode(node: NodeProto, name: string, input: string[]): NodeProto {
  return Object.assign(Object.create(Object.getPrototypeOf(node)), node, {
    name,
    opType: 'Add',
    input,
    output: [`${name}:0`],
    attribute: [],
  });
}
