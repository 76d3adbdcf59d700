import { createHash, type Hash } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  FunctionProtoSchema,
  type GraphProto,
  type TensorProto,
} from 'onnx-buf';
import { copyMessage } from './copy-message.js';
import { externalLocation } from './external-data.js';
import { tensorValues } from './tensor-values.js';
import type { OnnxModel } from './types.js';

/** Inline tensors of no more elements are hashed whole: constants that steer the graph. Larger ones are weights. */
const MAX_HASHED = 1024;

/** Place, or numbers, of a tensor; its name says nothing. */
function addTensor(hash: Hash, tensor: TensorProto): void {
  const external = externalLocation(tensor);
  const where = external ? [external.location, external.offset, external.length] : 'inline';
  hash.update(JSON.stringify([tensor.dataType, tensor.dims.map(String), where]));
  if (external) return;
  const values = tensorValues(tensor);
  // However they are stored: in bytes, or as a list of numbers.
  if (values) {
    if (values.length <= MAX_HASHED) hash.update(new Uint8Array(Float64Array.from(values).buffer));
    return;
  }
  if (tensor.rawData.length <= MAX_HASHED) hash.update(tensor.rawData);
  if (tensor.uint64Data.length <= MAX_HASHED) hash.update(JSON.stringify(tensor.uint64Data.map(String)));
  if (tensor.stringData.length <= MAX_HASHED)
    hash.update(JSON.stringify(tensor.stringData.map((text) => Buffer.from(text).toString('hex'))));
}

function withoutContent(attribute: AttributeProto): AttributeProto {
  const copy = copyMessage(AttributeProtoSchema, attribute, {});
  delete copy.t;
  delete copy.g;
  return copy;
}

/** Numbers of a tensor however stored, the nodes of a body (If, Loop) without their names, all else as it is. */
function addAttribute(hash: Hash, attribute: AttributeProto, numberOf: (name: string) => string | number): void {
  const { t: tensor, g: body } = attribute;
  hash.update(toBinary(AttributeProtoSchema, withoutContent(attribute)));
  if (tensor) addTensor(hash, tensor);
  if (body) addBody(hash, body, numberOf);
}

function addBody(
  hash: Hash,
  { node, input: inputs, initializer, output }: GraphProto,
  numberOf: (name: string) => string | number,
): void {
  hash.update(JSON.stringify(inputs.map(({ name }) => numberOf(name))));
  for (const { opType, domain, input, output: results, attribute } of node) {
    hash.update(JSON.stringify([opType, domain, input.map(numberOf), results.map(numberOf)]));
    for (const each of attribute) addAttribute(hash, each, numberOf);
  }
  for (const tensor of initializer) {
    hash.update(String(numberOf(tensor.name)));
    addTensor(hash, tensor);
  }
  hash.update(JSON.stringify(output.map(({ name }) => numberOf(name))));
}

/** Names that do not depend on what an exporter or a tool calls things: inputs and outputs keep theirs, all else is numbered. */
function numbering(graph: GraphProto): (name: string) => string | number {
  const kept = new Set(['', ...graph.input.map(({ name }) => name), ...graph.output.map(({ name }) => name)]);
  for (const { name } of graph.initializer) kept.delete(name);
  const numbers = new Map<string, number>();
  return (name) => {
    if (kept.has(name)) return name;
    const number = numbers.get(name) ?? numbers.size;
    numbers.set(name, number);
    return number;
  };
}

/**
 * Identifies a model's graph and configuration without reading weights: SHA-256, in hexadecimal, over nodes, inputs,
 * outputs, the place and shape of every tensor, and the text of its configuration. Independent of the file's name and of
 * the names of nodes, weights and values.
 */
export function fingerprintModel(model: OnnxModel, configText: string): string {
  const hash = createHash('sha256').update('minference.fingerprint/2\0').update(configText);
  const { opsetImport } = model.proto;
  const graph = model.proto.graph!;
  hash.update(JSON.stringify(opsetImport.map(({ domain, version }) => [domain, String(version)])));
  const numberOf = numbering(graph);
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  for (const node of graph.node) {
    hash.update(JSON.stringify([node.opType, node.domain, node.input.map(numberOf), node.output.map(numberOf)]));
    for (const attribute of node.attribute) addAttribute(hash, attribute, numberOf);
    // Each tensor where it is first used: their order in the file says nothing.
    for (const name of node.input) {
      const tensor = initializers.get(name);
      if (tensor) addTensor(hash, tensor);
      initializers.delete(name);
    }
  }
  for (const body of model.proto.functions) hash.update(toBinary(FunctionProtoSchema, body));
  for (const tensor of initializers.values()) addTensor(hash, tensor);
  hash.update(JSON.stringify([graph.input.map(({ name }) => name), graph.output.map(({ name }) => name)]));
  return hash.digest('hex');
}
