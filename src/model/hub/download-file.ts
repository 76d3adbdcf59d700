import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MinferenceError } from '../../errors.js';
import { aborted } from '../../utils/abort.js';
import { writeFailure } from '../../utils/write-failure.js';
import { contentCheck, isPresent } from './file-content.js';
import type { HubId } from './hub-id.js';
import type { HubFile } from './list-repo.js';
import { endpointUrl, hubFetch, unreachable } from './request.js';
import type { HubSettings } from './settings.js';
import { openTemporary, type TemporaryFile } from './temporary-file.js';

/** A download that brings no byte for this long is given up. */
const STALL_TIMEOUT_MS = 30_000;

/** What one download needs. */
export interface DownloadContext {
  settings: HubSettings;
  id: HubId;
  /** Folder that receives the repository's files. */
  folder: string;
  signal?: AbortSignal | undefined;
  /** Called with the bytes of each piece received. */
  onBytes(bytes: number): void;
}

/**
 * Downloads one file under a temporary name, checks size and hash, and renames it. A file that is there with the size and
 * the hash that the Hub gives is kept as it is; what an interrupted download left of that content is not fetched again.
 *
 * @throws MinferenceError NETWORK, WRITE_FAILED, MODEL_NOT_FOUND, ABORTED; no more than a beginning to go on from is left
 *   behind then
 */
export async function downloadFile(file: HubFile, context: DownloadContext): Promise<void> {
  const { settings, id, signal } = context;
  const path = join(context.folder, file.path);
  if (await isPresent(path, file, signal)) {
    context.onBytes(file.size);
    return;
  }
  const template = settings.pathTemplate
    .replaceAll('{model}', id.repo)
    .replaceAll('{revision}', encodeURIComponent(id.revision));
  const url = `${settings.endpoint}/${template.replace(/\/*$/, '/')}${file.path.split('/').map(encodeURIComponent).join('/')}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await using temporary = await openTemporary(path, file);
    const response = await askFrom(temporary.bytes, (headers) => hubFetch(url, settings, id, signal, headers));
    await receive(response, temporary, file, context);
    await rename(temporary.path, path);
    temporary.done();
  } catch (error) {
    if (error instanceof MinferenceError) throw error;
    throw writeFailure(path, error);
  }
}

/** Asks for what is missing; a server that does not know ranges, or none of this content, sends everything. */
async function askFrom(bytes: number, ask: (headers?: Record<string, string>) => Promise<Response>): Promise<Response> {
  if (bytes === 0) return ask();
  const response = await ask({ range: `bytes=${bytes}-` });
  const isRest = response.headers.get('content-range')?.startsWith(`bytes ${bytes}-`);
  if (response.status !== 206 || isRest) return response;
  await response.body?.cancel();
  return ask();
}

async function receive(
  response: Response,
  temporary: TemporaryFile,
  file: HubFile,
  context: DownloadContext,
): Promise<void> {
  const check = contentCheck(file);
  if (response.status === 206) {
    for await (const piece of temporary.read()) check.update(piece);
    context.onBytes(check.found);
  } else await temporary.clear();
  try {
    for await (const piece of pieces(response, context)) {
      await temporary.append(piece);
      context.onBytes(piece.byteLength);
      if (check.update(piece) > file.size) break;
    }
  } catch (error) {
    if (error instanceof MinferenceError) temporary.keep();
    throw error;
  }
  const wrong = check.problem();
  if (wrong !== undefined) {
    if (check.found < file.size) temporary.keep();
    throw new MinferenceError('NETWORK', `${context.id.repo}: ${file.path}: ${wrong}`, {
      hint: 'The download was cut off or changed on the way. Run the command again.',
    });
  }
  await temporary.sync();
}

/** The body piece by piece, ending with NETWORK when it stalls and ABORTED when the user stops it. */
async function* pieces(response: Response, context: DownloadContext): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const { done, value } = await nextPiece(reader, context);
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function nextPiece(reader: ReadableStreamDefaultReader<Uint8Array>, { id, signal, settings }: DownloadContext) {
  const { host } = endpointUrl(settings);
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    const reason = `no data for ${STALL_TIMEOUT_MS / 1000} s`;
    timer = setTimeout(() => reject(unreachable(host, id, reason)), STALL_TIMEOUT_MS);
  });
  try {
    return await Promise.race([reader.read(), stalled]);
  } catch (cause) {
    if (cause instanceof MinferenceError) throw cause;
    if (signal?.aborted) throw aborted(signal, 'download stopped');
    throw unreachable(host, id, (cause as Error).message, cause);
  } finally {
    clearTimeout(timer);
  }
}
