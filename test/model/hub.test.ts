import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { resolveModel } from '../../src/model/directory.js';
import { parseHubId } from '../../src/model/hub/hub-id.js';
import { listRepo } from '../../src/model/hub/list-repo.js';
import { readHubSettings } from '../../src/model/hub/settings.js';
import { byteTokenizer, llamaConfig, writeFolder } from './helpers.js';

interface Answer {
  status?: number;
  headers: Record<string, string>;
  body?: Buffer;
}

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

const gitHash = (data: Buffer) => createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex');

/** Listens on a port of its own until the test ends; returns its address. */
async function listen(handle: RequestListener) {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * A Hub with one repository, org/tiny; `spoil` may change what is sent for a path: other content, a status, or headers
 * of a redirection or of a listing's page.
 */
async function startHub(spoil: (path: string, body: Buffer) => Buffer | number | Answer = (_, body) => body) {
  const files: Record<string, Buffer> = {
    'README.md': Buffer.from('not needed'),
    'config.json': Buffer.from(JSON.stringify(llamaConfig)),
    'tokenizer.json': Buffer.from(JSON.stringify(byteTokenizer())),
    'tokenizer_config.json': Buffer.from('{}'),
    'onnx/model.onnx': Buffer.from('graph'),
    'onnx/model.onnx_data': weights,
    'onnx/model_q4.onnx': Buffer.from('graph in 4 bits'),
  };
  const requests: { path: string; token: string | undefined; range: string | undefined }[] = [];
  const endpoint = await listen((request, response) => {
    const path = decodeURIComponent(request.url!.split('?')[0]!);
    requests.push({ path, token: request.headers.authorization, range: request.headers.range });
    const sendRange = (range: string | undefined, body: Buffer) => {
      const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
      if (from === 0) return response.writeHead(200).end(body);
      const headers = { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` };
      return response.writeHead(206, headers).end(body.subarray(from));
    };
    const send = (answer: Buffer | number | Answer) => {
      if (typeof answer === 'number') response.writeHead(answer).end();
      else if (Buffer.isBuffer(answer)) sendRange(request.headers.range, answer);
      else response.writeHead(answer.status ?? 200, answer.headers).end(answer.body);
    };
    const tree = path.match(/^\/api\/models\/org\/tiny\/tree\/(main|v1|onnx|refs\/pr\/3)$/);
    if (tree) {
      const entries = Object.entries(files).map(([name, body]) => ({
        type: 'file',
        path: name,
        size: body.length,
        oid: gitHash(body),
        ...(body === weights && { lfs: { oid: sha256(weights), size: weights.length } }),
      }));
      return send(spoil(path, Buffer.from(JSON.stringify([{ type: 'directory', path: 'onnx' }, ...entries]))));
    }
    const file = path.match(/^\/org\/tiny\/resolve\/(?:main|v1|onnx|refs\/pr\/3)\/(.+)$/)?.[1];
    const body = file === undefined ? undefined : files[file];
    send(body === undefined ? 404 : spoil(path, body));
  });
  vi.stubEnv('HF_ENDPOINT', endpoint);
  return { requests, endpoint };
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

test('a revision has a folder that is no folder of another one, whatever its name', async () => {
  await startHub();
  const folders: string[] = [];
  for (const revision of ['main', 'v1', 'onnx', 'refs/pr/3']) {
    const model = await resolveModel(`org/tiny@${revision}`);
    expect(model.id).toBe(revision === 'main' ? 'org/tiny' : `org/tiny@${revision}`);
    folders.push(model.folder);
  }
  const main = join(home, 'transformers.js', 'org', 'tiny');
  expect(folders).toEqual([main, `${main}@v1`, `${main}@onnx`, `${main}@refs%2Fpr%2F3`]);
  expect(readdirSync(main).sort()).toEqual(['config.json', 'onnx', 'tokenizer.json', 'tokenizer_config.json']);
  expect(readdirSync(join(main, 'onnx')).sort()).toEqual(['model.onnx', 'model.onnx_data']);
});

test.each(['onnx/model.onnx_data', 'config.json'])(
  'a file of another content and the same size is fetched anew: %s',
  async (file) => {
    const hub = await startHub();
    const { folder } = await resolveModel('org/tiny');
    const path = join(folder, file);
    const right = readFileSync(path);
    const damaged = Buffer.from(right);
    damaged[right.length - 1]! ^= 1;
    writeFileSync(path, damaged);
    // As after an interruption: the graph is missing, so that the Hub is asked.
    unlinkSync(join(folder, 'onnx/model.onnx'));
    const before = hub.requests.length;
    await resolveModel('org/tiny');
    expect(readFileSync(path).equals(right)).toBe(true);
    const fetched = hub.requests.slice(before).map(({ path }) => path.replace('/org/tiny/resolve/main/', ''));
    expect(fetched.slice(1).sort()).toEqual(['onnx/model.onnx', file].sort());
  },
);

test('a listing goes on at the next page of the same address, with the token', async () => {
  vi.stubEnv('HF_TOKEN', 'secret');
  const hub = await startHub((path, body) => {
    if (!path.startsWith('/api')) return body;
    const [entries, first] = [JSON.parse(String(body)), !hub.requests.some((one) => one.path.endsWith('/v1'))];
    const link: Record<string, string> = first
      ? { link: `<${hub.endpoint}/api/models/org/tiny/tree/v1?cursor=x>; rel="next"` }
      : {};
    const page = entries.filter((_: unknown, index: number) => index % 2 === (first ? 0 : 1));
    return { headers: link, body: Buffer.from(JSON.stringify(page)) };
  });
  expect((await resolveModel('org/tiny')).variant).toBe('model');
  expect(hub.requests[1]).toEqual({ path: '/api/models/org/tiny/tree/v1', token: 'Bearer secret' });
});

test('the token is not sent to a next page or a redirection elsewhere', async () => {
  vi.stubEnv('HF_TOKEN', 'secret');
  const heard: { path: string; token: string | undefined }[] = [];
  const elsewhere = await listen((request, response) => {
    heard.push({ path: request.url!, token: request.headers.authorization });
    response.writeHead(200).end(weights);
  });
  await startHub((path, body) =>
    path.startsWith('/api') ? { headers: { link: `<${elsewhere}/page>; rel="next"` }, body } : body,
  );
  const refused = await resolveModel('org/tiny').catch((reason) => reason);
  expect(refused).toMatchObject({ code: 'NETWORK', hint: expect.stringContaining('HF_ENDPOINT') });
  expect(refused.message).toContain(`found it at ${elsewhere}`);
  expect(heard).toEqual([]);

  await startHub((path, body) =>
    path.endsWith('_data') ? { status: 302, headers: { location: `${elsewhere}/weights` } } : body,
  );
  await resolveModel('org/tiny');
  expect(heard).toEqual([{ path: '/weights', token: undefined }]);
});

test.each([
  ['another scheme', 'http://hub.test/next'],
  ['another port', 'https://hub.test:8443/next'],
  ['another host', 'https://hub.test.example/next'],
])('a next page of %s is refused before it is asked for', async (_, next) => {
  const asked: string[] = [];
  vi.stubEnv('HF_ENDPOINT', 'https://hub.test');
  vi.stubEnv('HF_TOKEN', 'secret');
  const settings = {
    ...(await readHubSettings()),
    fetch: async (url: string | URL | Request) => {
      asked.push(String(url));
      return new Response('[]', { headers: { link: `<${next}>; rel="next"` } });
    },
  };
  const listing = listRepo(settings, { repo: 'org/tiny', revision: 'main' });
  await expect(listing).rejects.toMatchObject({ code: 'NETWORK' });
  expect(asked).toEqual(['https://hub.test/api/models/org/tiny/tree/main?recursive=true']);
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

test('a small file is held to the hash that Git gives it', async () => {
  await startHub((path, body) => (path.endsWith('/config.json') ? Buffer.alloc(body.length, ' ') : body));
  const message = expect.stringMatching(/config\.json: expected Git hash [0-9a-f]{40}, found other content/);
  await expect(resolveModel('org/tiny')).rejects.toMatchObject({ code: 'NETWORK', message });
  expect(existsSync(join(home, 'transformers.js', 'org', 'tiny', 'config.json'))).toBe(false);
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
])('no network (%s) says what to do', async (_, endpoint) => {
  vi.stubEnv('HF_ENDPOINT', endpoint);
  const error = await resolveModel('org/tiny').catch((reason) => reason);
  expect(error).toMatchObject({ code: 'NETWORK' });
  // The reason is ours or the system's, not a long timeout of fetch.
  expect(error.message).toMatch(/no such folder here, not in the cache.*\((no answer within 1500 ms|E[A-Z_]+)\)$/);
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
  expect((await resolveModel(`org/tiny@${commit}`, { variant: 'q4' })).folder).toBe(`${folder}@${commit}`);
});

test('a file of an earlier commit in the cache gives way to the one of the snapshot, also of the same size', async () => {
  vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:1');
  const text = JSON.stringify(llamaConfig);
  writeSnapshot({ 'config.json': text, 'tokenizer.json': '{}', 'onnx/model.onnx': 'new graph' });
  const folder = join(home, 'transformers.js', 'org', 'tiny');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), ' '.repeat(text.length));
  await resolveModel('org/tiny');
  expect(readFileSync(join(folder, 'config.json'), 'utf8')).toBe(text);
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

describe('a download that was cut off', () => {
  const random = randomBytes(50_000);
  /** The graph of a model as random bytes, sent in full or only to its middle. */
  const cutting = (cut: { once: boolean; whole?: (body: Buffer) => Buffer | Answer }) => {
    let times = 0;
    return startHub((path, body) => {
      if (!path.endsWith('model.onnx_data')) return body;
      if (times++ === 0 && cut.once) {
        const half = body.subarray(0, body.length / 2);
        return { status: 200, headers: { 'transfer-encoding': 'chunked' }, body: half };
      }
      return cut.whole?.(body) ?? body;
    });
  };
  const partials = () =>
    (readdirSync(join(home, 'transformers.js', 'org', 'tiny'), { recursive: true }) as string[]).filter((name) =>
      /\.(partial|lock)$/.test(name),
    );
  const dataOf = (folder: string) => readFileSync(join(folder, 'onnx/model.onnx_data'));

  test('goes on where it stopped, and its content is checked as a whole', async () => {
    const hub = await cutting({ once: true });
    await expect(resolveModel('org/tiny')).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('expected 200000 bytes, found 100000'),
    });
    expect(partials()).toEqual([`onnx/model.onnx_data.${sha256(weights).slice(0, 12)}.partial`]);
    const { folder } = await resolveModel('org/tiny');
    expect(hub.requests.filter(({ path }) => path.endsWith('_data')).map(({ range }) => range)).toEqual([
      undefined,
      'bytes=100000-',
    ]);
    expect(dataOf(folder).equals(weights)).toBe(true);
    expect(partials()).toEqual([]);
  });

  test('starts over where the server sends everything, or another part', async () => {
    for (const whole of [
      (body: Buffer): Answer => ({ status: 200, headers: {}, body }),
      (body: Buffer): Answer => ({
        status: 206,
        headers: { 'content-range': 'bytes 5-9/200000' },
        body: body.subarray(5, 10),
      }),
    ]) {
      let answers = 0;
      const hub = await cutting({ once: true, whole: (body) => (answers++ === 0 ? whole(body) : body) });
      await resolveModel('org/tiny').catch(() => {});
      const { folder } = await resolveModel('org/tiny');
      expect(hub.requests.some(({ range }) => range === 'bytes=100000-')).toBe(true);
      expect(dataOf(folder).equals(weights)).toBe(true);
      rmSync(folder, { recursive: true });
    }
  });

  test('is begun anew when what was left is not the beginning of the content', async () => {
    await cutting({ once: true });
    await resolveModel('org/tiny').catch(() => {});
    const [name] = partials();
    const path = join(home, 'transformers.js', 'org', 'tiny', name!);
    writeFileSync(path, random);
    await expect(resolveModel('org/tiny')).rejects.toThrow(/found other content/);
    expect(partials()).toEqual([]);
    const { folder } = await resolveModel('org/tiny');
    expect(dataOf(folder).equals(weights)).toBe(true);
  });
});

test.each(['', '1'])('an endpoint that is no address is told (HF_HUB_OFFLINE=%j)', async (offline) => {
  vi.stubEnv('HF_ENDPOINT', 'not a url');
  vi.stubEnv('HF_HUB_OFFLINE', offline);
  await expect(resolveModel('org/tiny')).rejects.toMatchObject({
    code: 'USAGE',
    message: 'expected HF_ENDPOINT to be a URL, found "not a url"',
  });
});
