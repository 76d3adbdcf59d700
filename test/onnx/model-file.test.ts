import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { GraphProtoSchema, ModelProtoSchema, NodeProtoSchema, StringStringEntryProtoSchema } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { buildDecoder } from '../../models/builder/build-decoder.js';
import { writeModelFile } from '../../models/builder/write-model-file.js';
import { checkExternalData, readOnnxModel, serializeModel } from '../../src/onnx/model-file.js';
import { temporaryFolder } from '../utils/temporary-folder.js';

async function writtenModel(folder = temporaryFolder()): Promise<string> {
  const path = join(folder, 'model.onnx');
  await writeModelFile(path, buildDecoder({ externalData: { location: 'model.onnx.data' } }));
  return path;
}

test('round trip: the bytes of a file that is read and written again are the same', async () => {
  const path = join(temporaryFolder(), 'model.onnx');
  for (const spec of [{}, { dtype: 'int4' as const }, { style: 'optimum' as const }]) {
    const bytes = toBinary(ModelProtoSchema, buildDecoder({ ...spec, externalData: false }).proto);
    writeFileSync(path, bytes);
    const { proto } = await readOnnxModel(path);
    expect(Buffer.compare(serializeModel(proto), bytes)).toBe(0);
  }
});

test('fields of later ONNX versions survive', async () => {
  const path = join(temporaryFolder(), 'model.onnx');
  const unknown = Uint8Array.of(0xfa, 0x3f, 3, 1, 2, 3); // field 1023, three bytes
  const bytes = Buffer.concat([toBinary(ModelProtoSchema, buildDecoder({ externalData: false }).proto), unknown]);
  writeFileSync(path, bytes);
  const { proto } = await readOnnxModel(path);
  expect(Buffer.from(serializeModel(proto)).includes(Buffer.from(unknown))).toBe(true);
});

test('inline tensors are views of what was read', async () => {
  const path = join(temporaryFolder(), 'model.onnx');
  writeFileSync(path, toBinary(ModelProtoSchema, buildDecoder({ externalData: false }).proto));
  const { proto } = await readOnnxModel(path);
  const buffers = new Set(proto.graph!.initializer.map(({ rawData }) => rawData.buffer));
  expect(buffers.size).toBe(1);
});

const node = create(NodeProtoSchema, { opType: 'Identity', input: ['a'], output: ['b'] });
const model = (fields: object) => toBinary(ModelProtoSchema, create(ModelProtoSchema, fields));
const safetensors = Buffer.concat([Buffer.from([42, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('{"weight":{"dtype":"F16"')]);

const badFiles: [string, Uint8Array | string, RegExp][] = [
  ['an empty file', '', /empty file/],
  ['a zip archive', 'PK\x03\x04 and so on', /zip archive \(a PyTorch checkpoint/],
  ['a pickle', Buffer.from([0x80, 2, 0x8a, 0x0a, 0x6c]), /Python pickle/],
  ['safetensors', safetensors, /safetensors/],
  ['GGUF', 'GGUF\x03\x00\x00\x00', /GGUF/],
  ['a web page', '<!DOCTYPE html><html><body>404</body></html>', /HTML page/],
  ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n', /Git LFS pointer/],
  ['JSON', '{"model_type": "llama"}', /JSON/],
  ['an ORT-format model', 'xxxxORTM', /ORT-format/],
  ['noise', Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 97) & 255)), /no ONNX|without a graph/],
  ['a model without a graph', model({ irVersion: 8n }), /without a graph/],
  ['a graph without nodes', model({ graph: create(GraphProtoSchema, { name: 'g' }) }), /without a graph/],
  ['no operator set', model({ graph: create(GraphProtoSchema, { node: [node] }) }), /no operator set/],
];

test.each(badFiles)('%s is named', async (_, bytes, message) => {
  const path = join(temporaryFolder(), 'model.onnx');
  writeFileSync(path, bytes);
  await expect(readOnnxModel(path)).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringMatching(message),
    hint: expect.any(String),
  });
});

test('a truncated file is named', async () => {
  const path = await writtenModel();
  truncateSync(path, 2000);
  await expect(readOnnxModel(path)).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringMatching(/truncated/),
  });
});

test('nothing, a folder, and more than 2 GB are named', async () => {
  const folder = temporaryFolder();
  await expect(readOnnxModel(join(folder, 'none.onnx'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  await expect(readOnnxModel(folder)).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringMatching(/no regular file/),
  });
  const huge = await open(join(folder, 'huge.onnx'), 'w');
  await huge.truncate(3 * 2 ** 30);
  await huge.close();
  await expect(readOnnxModel(join(folder, 'huge.onnx'))).rejects.toMatchObject({
    message: expect.stringMatching(/at most 2 GB .* found 3221225472 bytes/),
    hint: expect.stringMatching(/external data/),
  });
});

describe('external data', () => {
  const check = async (path: string) => checkExternalData(await readOnnxModel(path));

  /** Rewrites one entry of the first external tensor. */
  async function withEntry(key: string, value: string | null): Promise<string> {
    const folder = temporaryFolder();
    const path = await writtenModel(folder);
    const { proto } = await readOnnxModel(path);
    const tensor = proto.graph!.initializer.find(({ externalData }) => externalData.length > 0)!;
    tensor.externalData = tensor.externalData.filter((entry) => entry.key !== key);
    if (value !== null) tensor.externalData.push(create(StringStringEntryProtoSchema, { key, value }));
    writeFileSync(path, serializeModel(proto));
    return path;
  }

  test('passes where all is there', async () => {
    await check(await writtenModel());
  });

  test('a missing file is named with its tensor', async () => {
    const path = await writtenModel();
    rmSync(`${path}.data`);
    await expect(check(path)).rejects.toMatchObject({
      code: 'MODEL_EXTERNAL_DATA',
      message: expect.stringMatching(/tensor \S+: expected the file .*model\.onnx\.data, found nothing/),
      hint: expect.stringMatching(/data files beside it/),
    });
  });

  test('a short file is named with the bytes needed and found', async () => {
    const path = await writtenModel();
    truncateSync(`${path}.data`, 1234);
    await expect(check(path)).rejects.toMatchObject({
      message: expect.stringMatching(/tensor \S+: expected at least \d+ bytes in .*model\.onnx\.data, found 1234/),
    });
  });

  test('a tensor of fewer bytes than its shape needs is refused', async () => {
    await expect(check(await withEntry('length', '7'))).rejects.toMatchObject({
      message: expect.stringMatching(/expected \d+ bytes for its shape, found a length of 7/),
    });
  });

  test.each([
    ['absolute paths', '/etc/hostname'],
    ['paths upwards', '../model.onnx.data'],
    ['paths upwards, hidden', 'weights/../../model.onnx.data'],
  ])('%s are refused', async (_, location) => {
    await expect(check(await withEntry('location', location))).rejects.toMatchObject({
      code: 'MODEL_EXTERNAL_DATA',
      message: expect.stringContaining(`inside the model's folder, found "${location}"`),
    });
  });

  test('links out of the folder are refused, links inside are followed', async () => {
    const folder = temporaryFolder();
    const [inside, outside] = [join(folder, 'inside'), join(folder, 'outside')];
    for (const name of [inside, outside]) mkdirSync(name);
    const path = await writtenModel(inside);
    await writeModelFile(join(outside, 'model.onnx'), buildDecoder({ externalData: { location: 'real.data' } }));
    rmSync(`${path}.data`);
    symlinkSync(join(outside, 'real.data'), `${path}.data`);
    await expect(check(path)).rejects.toMatchObject({ message: expect.stringMatching(/found a link from/) });
    await writeModelFile(join(inside, 'other.onnx'), buildDecoder({ externalData: { location: 'real.data' } }));
    rmSync(`${path}.data`);
    symlinkSync('real.data', `${path}.data`);
    await check(path);
  });

  test.each([
    ['offset', '-1'],
    ['offset', '1e400'],
    ['length', 'many'],
    ['offset', '0x10'],
  ])('%s "%s" is refused', async (key, value) => {
    await expect(check(await withEntry(key, value))).rejects.toMatchObject({
      message: expect.stringMatching(`expected ${key} to be a whole number of bytes`),
    });
  });

  test('an entry without a location is refused', async () => {
    await expect(check(await withEntry('location', null))).rejects.toMatchObject({
      message: expect.stringMatching(/expected a location/),
    });
  });

  test('a data "file" that is a folder is refused', async () => {
    const path = await writtenModel();
    rmSync(`${path}.data`);
    mkdirSync(`${path}.data`);
    await expect(check(path)).rejects.toMatchObject({ message: expect.stringMatching(/expected a file/) });
  });
});

test('a data file that is a Git LFS pointer is called one', async () => {
  const path = await writtenModel();
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123456\n';
  writeFileSync(`${path}.data`, pointer);
  await expect(checkExternalData(await readOnnxModel(path))).rejects.toMatchObject({
    code: 'MODEL_EXTERNAL_DATA',
    message: expect.stringMatching(/bytes in .*model\.onnx\.data, found \d+: a Git LFS pointer/),
  });
});

test('a data file that this user may not read is named before ONNX Runtime opens it', async () => {
  const folder = temporaryFolder();
  const path = await writtenModel(folder);
  chmodSync(folder, 0o755);
  chmodSync(path, 0o644);
  chmodSync(`${path}.data`, 0);
  const model = await readOnnxModel(path);
  // Root may read everything: it becomes nobody for the moment.
  const user = process.geteuid!();
  if (user === 0) process.seteuid!(65534);
  try {
    await expect(checkExternalData(model)).rejects.toMatchObject({
      code: 'READ_FAILED',
      message: expect.stringMatching(/external data of tensor .*model\.onnx\.data cannot be read \(EACCES/),
      hint: expect.stringMatching(/chmod/),
    });
  } finally {
    if (user === 0) process.seteuid!(user);
  }
});
