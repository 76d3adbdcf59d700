import { create } from '@bufbuild/protobuf';
import { StringStringEntryProtoSchema, TensorProto_DataLocation } from 'onnx-buf';
import type { WrittenTensor } from './graph-writer.js';

/** Contents of the file that external initializers point into. */
export interface ExternalData {
  /** File name, relative to the model file. */
  location: string;
  byteLength: number;
  /** What to write where; nothing for hollow weights, whose file is all holes. */
  parts: { offset: number; bytes: Uint8Array }[];
}

/** Large tensors start on 64 KiB borders, so that loaders can map them. */
const LARGE = 1 << 20;
const ALIGNMENT = 1 << 16;

/** Moves initializers' bytes out of the graph. */
export function externalize(
  tensors: readonly WrittenTensor[],
  { location, minBytes }: { location: string; minBytes: number },
): ExternalData {
  const data: ExternalData = { location, byteLength: 0, parts: [] };
  for (const { proto, byteLength } of tensors) {
    if (byteLength < minBytes) continue;
    const offset = byteLength >= LARGE ? Math.ceil(data.byteLength / ALIGNMENT) * ALIGNMENT : data.byteLength;
    if (proto.rawData.length > 0) data.parts.push({ offset, bytes: proto.rawData });
    proto.rawData = new Uint8Array();
    proto.dataLocation = TensorProto_DataLocation.EXTERNAL;
    const entries = { location, offset: String(offset), length: String(byteLength) };
    proto.externalData = Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    );
    data.byteLength = offset + byteLength;
  }
  return data;
}
