import { mkdir, open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import type { BuiltDecoder } from './build-decoder.js';

/** Writes a built decoder and, beside it, its external data. Holes stay holes where the file system has them. */
export async function writeModelFile(path: string, { proto, externalData }: BuiltDecoder): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, toBinary(ModelProtoSchema, proto));
  if (!externalData) return;
  const file = await open(join(dirname(path), externalData.location), 'w');
  try {
    await file.truncate(externalData.byteLength);
    for (const { offset, bytes } of externalData.parts) await file.write(bytes, 0, bytes.length, offset);
  } finally {
    await file.close();
  }
}
