import { createHash, type Hash } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import { AttributeProtoSchema, FunctionProtoSchema, type TensorProto } from 'onnx-buf';
import { externalLocation } from './external-data.js';
import type { OnnxModel } from './types.js';

/** Inline tensors up to this size are hashed whole: constants that steer the graph. Larger ones are weights. */
const MAX_HASHED_BYTES = 4096;

function addTensor(hash: Hash, tensor: TensorProto): void {
  const external = externalLocation(tensor);
  const size = tensor.rawData.length;
  const where = external ? [external.location, external.offset, external.length] : [size];
  hash.update(JSON.stringify([tensor.name, tensor.dataType, tensor.dims.map(String), where]));
  if (!external && size <= MAX_HASHED_BYTES) hash.update(tensor.rawData);
}

/**
 * Identifies a model's graph and configuration without reading weights: SHA-256, in hexadecimal, over nodes, inputs,
 * outputs, the place and shape of every tensor, and the text of its configuration. Independent of the file's name.
 */
export function fingerprintModel(model: OnnxModel, configText: string): string {
  const hash = createHash('sha256').update('minference.fingerprint/1\0').update(configText);
  const { graph, opsetImport } = model.proto;
  hash.update(JSON.stringify(opsetImport.map(({ domain, version }) => [domain, String(version)])));
  for (const node of graph!.node) {
    hash.update(JSON.stringify([node.opType, node.domain, node.input, node.output]));
    for (const attribute of node.attribute) hash.update(toBinary(AttributeProtoSchema, attribute));
  }
  for (const body of model.proto.functions) hash.update(toBinary(FunctionProtoSchema, body));
  for (const tensor of graph!.initializer) addTensor(hash, tensor);
  hash.update(JSON.stringify([graph!.input.map(({ name }) => name), graph!.output.map(({ name }) => name)]));
  return hash.digest('hex');
}
