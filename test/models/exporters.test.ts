import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ValueInfoProto } from 'onnx-buf';
import { expect, test } from 'vitest';
import { buildDecoder } from '../../models/builder/build-decoder.js';
import type { DecoderSpec } from '../../models/builder/spec.js';

/**
 * What the exporters themselves wrote for a tiny decoder of the same shape: inputs, outputs, ops, and a hash over every
 * node's name, domain, op, inputs and outputs in file order. Constant nodes are left out, their numbers and those of
 * `onnx::Op_n` values ignored; so are Identity nodes between norms that were equal in the exported models.
 */
interface ExporterGraph {
  exporter: string;
  spec: DecoderSpec;
  irVersion: number;
  producer: string;
  opsets: Record<string, number>;
  inputs: string[];
  outputs: string[];
  ops: Record<string, number>;
  nodes: string;
}

const GRAPHS = JSON.parse(readFileSync(new URL('./exporter-graphs.json', import.meta.url), 'utf8')) as ExporterGraph[];

test.each(GRAPHS.map((graph) => [graph.exporter, graph] as const))('the graph is that of %s', (_, expected) => {
  const { proto } = buildDecoder(expected.spec);
  const graph = proto.graph!;
  expect(Number(proto.irVersion)).toBe(expected.irVersion);
  expect(proto.producerName).toBe(expected.producer);
  const opsets = Object.fromEntries(proto.opsetImport.map(({ domain, version }) => [domain, Number(version)]));
  expect(opsets).toEqual(expected.opsets);
  expect(graph.input.map(describeValue)).toEqual(expected.inputs);
  expect(graph.output.map(describeValue)).toEqual(expected.outputs);

  const nodes = graph.node.filter(({ opType }) => opType !== 'Constant');
  const ops: Record<string, number> = {};
  for (const { opType } of nodes) ops[opType] = (ops[opType] ?? 0) + 1;
  expect(ops).toEqual(expected.ops);
  const lines = nodes.map(({ name, domain, opType, input, output }) =>
    [name, domain, opType, input.map(withoutNumber).join(','), output.map(withoutNumber).join(',')].join('|'),
  );
  expect(createHash('sha256').update(lines.join('\n')).digest('hex')).toBe(expected.nodes);
});

function describeValue({ name, type }: ValueInfoProto): string {
  const tensor = type!.value.case === 'tensorType' ? type!.value.value : undefined;
  return `${name}:${tensor!.elemType}[${tensor!.shape!.dim.map(({ value }) => value.value).join(',')}]`;
}

const withoutNumber = (value: string) =>
  value.replace(/^onnx::(\w+?)_\d+/, 'onnx::$1').replace(/Constant(_\d+)?_output_0$/, 'Constant_output_0');

test('GroupQueryAttention has the inputs and attributes of the exporter', () => {
  const { proto } = buildDecoder({ slidingWindow: { size: 7, layers: [1] } });
  const [first, second] = proto.graph!.node.filter(({ opType }) => opType === 'GroupQueryAttention');
  expect(first!.input).toEqual([
    '/model/layers.0/attn/qkv_proj/MatMul/output_0',
    '',
    '',
    'past_key_values.0.key',
    'past_key_values.0.value',
    '/model/attn_mask_reformat/attn_mask_subgraph/Sub/Cast/output_0',
    '/model/attn_mask_reformat/attn_mask_subgraph/Gather/Cast/output_0',
    'cos_cache',
    'sin_cache',
    '',
    '',
    '',
  ]);
  const attributes = (node: typeof first) =>
    Object.fromEntries(node!.attribute.map(({ name, i, f }) => [name, f === 0 ? Number(i) : f]));
  expect(attributes(first)).toEqual({
    num_heads: 4,
    kv_num_heads: 2,
    scale: 0.25,
    local_window_size: -1,
    softcap: 0,
    do_rotary: 1,
    rotary_interleaved: 0,
  });
  expect(attributes(second).local_window_size).toBe(7);
});
