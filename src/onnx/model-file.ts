import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema } from 'onnx-buf';
import { MinferenceError } from '../errors.js';
import { MAX_INITIALIZERS, MAX_MODEL_BYTES, MAX_NODES } from './limits.js';
import { sniffFormat } from './sniff-format.js';
import type { OnnxModel } from './types.js';

export { checkExternalData } from './external-data.js';

/**
 * Reads an ONNX model. External weights are not read; inline tensors stay views of the file's bytes.
 *
 * @throws {MinferenceError} MODEL_NOT_FOUND, or MODEL_INVALID saying what the file is instead.
 */
export async function readOnnxModel(path: string): Promise<OnnxModel> {
  const absolute = resolve(path);
  const bytes = await readModelBytes(absolute);
  return { proto: parseModel(bytes, absolute), path: absolute, folder: dirname(absolute) };
}

/** The model as bytes for a session. */
export function serializeModel(proto: ModelProto): Uint8Array {
  return toBinary(ModelProtoSchema, proto);
}

async function readModelBytes(path: string): Promise<Uint8Array> {
  const facts = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const what = cause.code === 'ENOENT' ? 'found nothing' : `found ${cause.code}`;
    throw new MinferenceError('MODEL_NOT_FOUND', `expected an ONNX model at ${path}, ${what}`, { cause });
  });
  if (!facts.isFile()) {
    throw new MinferenceError('MODEL_INVALID', `expected an ONNX file, found ${path}, which is no regular file`);
  }
  if (facts.size === 0) {
    throw new MinferenceError('MODEL_INVALID', `expected an ONNX model, found the empty file ${path}`, {
      hint: 'download or export the model again',
    });
  }
  if (facts.size > MAX_MODEL_BYTES) {
    throw new MinferenceError(
      'MODEL_INVALID',
      `expected at most 2 GB in one ONNX file, found ${facts.size} bytes in ${path}`,
      {
        hint: 'export the model with its weights as external data',
      },
    );
  }
  return readFile(path).catch((cause: Error) => {
    throw new MinferenceError('READ_FAILED', `cannot read ${path}: ${cause.message}`, {
      hint: `let this user read it: chmod a+r ${path}, by its owner`,
      cause,
    });
  });
}

function parseModel(bytes: Uint8Array, path: string): ModelProto {
  const format = sniffFormat(bytes.subarray(0, 64));
  const invalid = (found: string, cause?: unknown) =>
    new MinferenceError('MODEL_INVALID', `expected an ONNX model in ${path}, found ${format ?? found}`, {
      hint: 'give the path of a .onnx file, or of a folder with one; a download may have been cut off',
      cause,
    });
  let proto: ModelProto;
  try {
    proto = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw invalid('bytes that are no ONNX, or a truncated file', cause);
  }
  const { graph } = proto;
  if (!graph || graph.node.length === 0) throw invalid('a model without a graph');
  if (proto.opsetImport.length === 0) throw invalid('a model that names no operator set');
  if (graph.node.length > MAX_NODES || graph.initializer.length > MAX_INITIALIZERS) {
    throw invalid(`${graph.node.length} nodes and ${graph.initializer.length} initializers`);
  }
  return proto;
}
