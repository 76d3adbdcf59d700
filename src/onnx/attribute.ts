import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type NodeProto,
} from 'onnx-buf';

const find = (node: NodeProto, name: string): AttributeProto | undefined =>
  node.attribute.find((attribute) => attribute.name === name);

/** An integer attribute; `fallback` when the node does not have it. */
export function intAttribute<T>(node: NodeProto, name: string, fallback: T): number | T {
  const found = find(node, name);
  return found ? Number(found.i) : fallback;
}

/** A float attribute; `fallback` when the node does not have it. */
export function floatAttribute(node: NodeProto, name: string, fallback: number): number {
  return find(node, name)?.f ?? fallback;
}

/** A string attribute; '' when the node does not have it. */
export function stringAttribute(node: NodeProto, name: string): string {
  return Buffer.from(find(node, name)?.s ?? []).toString('utf8');
}

/** An attribute that lists integers; undefined when the node does not have it. */
export function intsAttribute(node: NodeProto, name: string): number[] | undefined {
  return find(node, name)?.ints.map(Number);
}

export const intAttr = (name: string, value: number): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });

export const floatAttr = (name: string, value: number): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value });

export const intsAttr = (name: string, values: readonly number[]): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: values.map(BigInt) });

/** The body of a loop or branch. */
export const graphAttr = (name: string, value: GraphProto): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: value });
