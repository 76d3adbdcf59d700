import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { resolveModel } from '../../src/model/directory.js';
import { parseHubId } from '../../src/model/hub/hub-id.js';
import { byteTokenizer, llamaConfig, writeFolder } from './helpers.js';

let home: string;
beforeEach(() => {
  home = writeFolder({});
  vi.stubEnv('HF_HOME', home);
  vi.stubEnv('HF_HUB_CACHE', undefined);
  vi.stubEnv('HF_TOKEN', undefined);
  vi.stubEnv('HF_ACCESS_TOKEN', undefined);
  vi.stubEnv('HF_HUB_OFFLINE', undefined);
});
afterEach(() => vi.unstubAllEnvs());

const weights = Buffer.alloc(200_000, 'w');
const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');

/** A Hub with one repository, org/tiny; `spoil` may change what is sent for a path. */
async function startHub(spoil: (path: string, body: Buffer) => Buffer | number = (_, body) => body) {
  const files: Record<string, Buffer> = {
    'README.md': Buffer.from('not needed'),
    'config.json': Buffer.from(JSON.stringify(llamaConfig)),
    'tokenizer.json': Buffer.from(JSON.stringify(byteTokenizer())),
    'tokenizer_config.json': Buffer.from('{}'),
    'onnx/model.onnx': Buffer.from('graph'),
    'onnx/model.onnx_data': weights,
    'onnx/model_q4.onnx': Buffer.from('graph in 4 bits'),
  };
  const requests: { path: string; token: string | undefined }[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const path = decodeURIComponent(request.url!.split('?')[0]!);
    requests.push({ path, token: request.headers.authorization });
    const send = (body: Buffer | number) => {
      if (typeof body === 'number') return response.writeHead(body).end();
      response.writeHead(200).end(body);
    };
    const tree = path.match(/^\/api\/models\/org\/tiny\/tree\/(main|v1)$/);
    if (tree) {
      const entries = Object.entries(files).map(([name, body]) => ({
        type: 'file',
        path: name,
        size: body.length,
        ...(body === weights ? { lfs: { oid: sha256(weights), size: weights.length } } : {}),
      }));
      return send(spoil(path, Buffer.from(JSON.stringify([{ type: 'directory', path: 'onnx' }, ...entries]))));
    }
    const file = path.match(/^\/org\/tiny\/resolve\/(?:main|v1)\/(.+)$/)?.[1];
    const body = file === undefined ? undefined : files[file];
    send(body === undefined ? 404 : spoil(path, body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { requests, close: () => new Promise((resolve) => server.close(resolve)) };
}

const leftovers = (folder: string): string[] =>
  existsSync(folder)
    ? (readdirSync(folder, { recursive: true }) as string[]).filter((name) => name.includes('.tmp.'))
    : [];

test('what a Hub id looks like', () => {
  expect(parseHubId('org/name')).toEqual({ repo: 'org/name', revision: 'main' });
  expect(parseHubId('org/na.me-1_b@refs/pr/3')).toEqual({ repo: 'org/na.me-1_b', revision: 'refs/pr/3' });
  for (const no of [
    'name',
    './a/b',
    '../a',
    '/a/b',
    'a/b/c',
    'a--b/c',
    'a/b..c',
    'a/b.git',
    'a/b@',
    'a b/c',
    '-a/b',
    '~/b',
  ]) {
    expect(parseHubId(no), no).toBeUndefined();
  }
});

test('downloads what the variant needs, sends the token, reports progress, then works from the cache', async () => {
  const hub = await startHub();
  vi.stubEnv('HF_TOKEN', 'secret');
  const updates: number[] = [];
  let total = 0;
  const progress = {
    start: (task: { total: number }) => {
      total = task.total;
      return { update: (done: number) => void updates.push(done), row() {}, finish() {} };
    },
    note() {},
    warn() {},
  };
  const model = await resolveModel('org/tiny', { progress });
  const folder = join(home, 'transformers.js', 'org', 'tiny');
  expect(model).toMatchObject({ id: 'org/tiny', folder, variant: 'model', modelPath: join(folder, 'onnx/model.onnx') });
  expect(readFileSync(join(folder, 'onnx/model.onnx_data')).equals(weights)).toBe(true);
  expect(existsSync(join(folder, 'onnx/model_q4.onnx'))).toBe(false);
  expect(existsSync(join(folder, 'README.md'))).toBe(false);
  expect(updates.at(-1)).toBe(total);
  expect(hub.requests.every(({ token }) => token === 'Bearer secret')).toBe(true);
  // The graph comes after its weights and before the configuration.
  const order = hub.requests.map(({ path }) => path.split('/').at(-1));
  expect(order.indexOf('model.onnx_data')).toBeLessThan(order.indexOf('model.onnx'));
  expect(order.at(-1)).toBe('config.json');

  const before = hub.requests.length;
  expect((await resolveModel('org/tiny')).folder).toBe(folder);
  expect(hub.requests.length).toBe(before);
  // Another variant needs one more file only.
  expect((await resolveModel('org/tiny', { variant: 'q4' })).variant).toBe('model_q4');
  const more = hub.requests.slice(before).map(({ path }) => path);
  expect(more).toEqual(['/api/models/org/tiny/tree/main', '/org/tiny/resolve/main/onnx/model_q4.onnx']);
});

test('a revision has its own folder', async () => {
  await startHub();
  const model = await resolveModel('org/tiny@v1', { variant: 'q4' });
  expect(model.id).toBe('org/tiny@v1');
  expect(model.folder).toBe(join(home, 'transformers.js', 'org', 'tiny', 'v1'));
});

test.each<[string, (path: string, body: Buffer) => Buffer | number, string, RegExp]>([
  ['a missing repository', (path) => (path.startsWith('/api') ? 404 : 404), 'MODEL_NOT_FOUND', /HTTP 404/],
  ['a gated repository', () => 401, 'MODEL_NOT_FOUND', /HTTP 401/],
  ['a failing server', () => 503, 'NETWORK', /HTTP 503/],
  ['a captive portal', () => Buffer.from('<html>log in</html>'), 'NETWORK', /expected a listing of files/],
  [
    'a download cut short',
    (p, b) => (p.endsWith('_data') ? b.subarray(0, 1000) : b),
    'NETWORK',
    /expected 200000 bytes, found 1000/,
  ],
  ['changed weights', (p, b) => (p.endsWith('_data') ? Buffer.alloc(b.length, 'x') : b), 'NETWORK', /expected SHA-256/],
])('%s', async (_, spoil, code, message) => {
  await startHub(spoil);
  const error = await resolveModel('org/tiny').catch((reason) => reason);
  expect(error).toMatchObject({ code });
  expect(error.message).toMatch(message);
  expect(error.hint).toBeTruthy();
  expect(leftovers(home)).toEqual([]);
  expect(existsSync(join(home, 'transformers.js', 'org', 'tiny', 'onnx', 'model.onnx_data'))).toBe(false);
});

test('names that lead out of the cache are ignored', async () => {
  const evil = [
    { type: 'file', path: '../../evil.onnx', size: 1 },
    { type: 'file', path: '/etc/evil.onnx', size: 1 },
    { type: 'file', path: 'config.json', size: 1 },
  ];
  await startHub((path, body) => (path.startsWith('/api') ? Buffer.from(JSON.stringify(evil)) : body));
  await expect(resolveModel('org/tiny')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
});

test('stopping a download leaves nothing behind', async () => {
  const controller = new AbortController();
  await startHub((path, body) => {
    if (path.endsWith('_data')) controller.abort();
    return body;
  });
  await expect(resolveModel('org/tiny', { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' });
  expect(leftovers(home)).toEqual([]);
});

test('a cache that cannot be written', async () => {
  await startHub();
  writeFileSync(join(home, 'transformers.js'), 'a file where the folder should be');
  const error = await resolveModel('org/tiny').catch((reason) => reason);
  expect(error).toMatchObject({ code: 'WRITE_FAILED' });
});

// 192.0.2.0/24 is reserved for documentation: packets to it go nowhere.
test.each([
  ['a closed port', 'http://127.0.0.1:1'],
  ['an unroutable address', 'http://192.0.2.1'],
  ['an unknown host', 'https://huggingface.invalid'],
])('no network (%s) fails fast and says what to do', async (_, endpoint) => {
  await import('@huggingface/transformers');
  vi.stubEnv('HF_ENDPOINT', endpoint);
  const start = performance.now();
  const error = await resolveModel('org/tiny').catch((reason) => reason);
  expect(performance.now() - start).toBeLessThan(2500);
  expect(error).toMatchObject({ code: 'NETWORK' });
  expect(error.message).toMatch(/no such folder here, not in the cache/);
  expect(error.hint).toMatch(/hf download org\/tiny --local-dir/);
});

test('HF_HUB_OFFLINE makes no request', async () => {
  const hub = await startHub();
  vi.stubEnv('HF_HUB_OFFLINE', '1');
  await expect(resolveModel('org/tiny')).rejects.toMatchObject({ code: 'NETWORK' });
  expect(hub.requests).toEqual([]);
});

/** A model as Python tools cache it: links to blobs. */
function writeSnapshot(files: Record<string, string>): { commit: string; folder: string } {
  const commit = 'a'.repeat(40);
  const repo = join(home, 'hub', 'models--org--tiny');
  const folder = join(repo, 'snapshots', commit);
  mkdirSync(join(repo, 'refs'), { recursive: true });
  mkdirSync(join(repo, 'blobs'));
  writeFileSync(join(repo, 'refs', 'main'), commit);
  for (const [index, [name, content]] of Object.entries(files).entries()) {
    const blob = join(repo, 'blobs', String(index));
    writeFileSync(blob, content);
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    symlinkSync(blob, join(folder, name));
  }
  return { commit, folder };
}

test('without network the cache of Python tools is used, as real files, and whatever variant it has', async () => {
  vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:1');
  const { commit } = writeSnapshot({
    'config.json': JSON.stringify(llamaConfig),
    'tokenizer.json': JSON.stringify(byteTokenizer()),
    'onnx/model_q4.onnx': 'graph',
    'onnx/model_q4.onnx_data': 'weights',
    'onnx/model_int8.onnx': 'another',
  });
  const warnings: string[] = [];
  const progress = {
    start: () => ({ update() {}, row() {}, finish() {} }),
    note() {},
    warn: (line: string) => void warnings.push(line),
  };
  const model = await resolveModel('org/tiny', { progress });
  const folder = join(home, 'transformers.js', 'org', 'tiny');
  expect(model).toMatchObject({ id: 'org/tiny', folder, variant: 'model_q4' });
  expect(warnings[0]).toMatch(/cannot be reached; using what/);
  const data = join(folder, 'onnx', 'model_q4.onnx_data');
  expect(lstatSync(data).isFile()).toBe(true);
  expect(readFileSync(data, 'utf8')).toBe('weights');
  expect(existsSync(join(folder, 'onnx', 'model_int8.onnx'))).toBe(false);
  expect(leftovers(home)).toEqual([]);
  // Again, and by the commit: from the links made before, or anew.
  expect((await resolveModel('org/tiny', { variant: 'q4' })).folder).toBe(folder);
  expect((await resolveModel(`org/tiny@${commit}`, { variant: 'q4' })).folder).toBe(join(folder, commit));
});

test('a snapshot is used in place when the cache cannot be written', async () => {
  vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:1');
  const { folder } = writeSnapshot({
    'config.json': JSON.stringify(llamaConfig),
    'tokenizer.json': JSON.stringify(byteTokenizer()),
    'onnx/model.onnx': 'graph',
  });
  writeFileSync(join(home, 'transformers.js'), 'a file where the folder should be');
  expect((await resolveModel('org/tiny')).folder).toBe(folder);
});
