import { z } from 'zod';
import { MinferenceError } from '../../errors.js';
import { defined } from '../../utils/defined.js';
import type { HubId } from './hub-id.js';
import { hubFetch } from './request.js';
import type { HubSettings } from './settings.js';

/** Pages of the listing that are followed; a page holds 1,000 entries. */
const MAX_PAGES = 20;

/** One file of a repository. */
export interface HubFile {
  /** Relative to the repository's root. */
  path: string;
  /** Bytes. */
  size: number;
  /** Of the content, where the Hub gives one. */
  hash?: FileHash;
}

/** SHA-256 of large files; of the others the SHA-1 that Git gives them. */
export interface FileHash {
  kind: 'sha256' | 'git-sha1';
  /** Lower case. */
  hex: string;
}

const entrySchema = z.looseObject({
  type: z.string(),
  path: z.string().max(1024),
  size: z.int().min(0).default(0),
  oid: z.string().max(128).optional(),
  lfs: z.looseObject({ oid: z.string().max(128), size: z.int().min(0) }).optional(),
});

/** All files of a repository at a revision. @throws MinferenceError NETWORK, MODEL_NOT_FOUND, ABORTED */
export async function listRepo(settings: HubSettings, id: HubId, signal?: AbortSignal): Promise<HubFile[]> {
  const files: HubFile[] = [];
  let url: string | undefined =
    `${settings.endpoint}/api/models/${id.repo}/tree/${encodeURIComponent(id.revision)}?recursive=true`;
  for (let page = 0; url !== undefined && page < MAX_PAGES; page++) {
    const response: Response = await hubFetch(url, settings, id, signal);
    const entries = z.array(entrySchema).safeParse(await response.json().catch(() => undefined));
    if (!entries.success) {
      throw new MinferenceError('NETWORK', `${url}: expected a listing of files, found something else`, {
        hint: 'Is HF_ENDPOINT the address of a Hub mirror? A captive portal also answers like this.',
        cause: entries.error,
      });
    }
    for (const { type, path, size, oid, lfs } of entries.data) {
      if (type !== 'file' || !isSafePath(path)) continue;
      const hash = lfs ? hashOf('sha256', lfs.oid) : hashOf('git-sha1', oid);
      files.push({ path, size: lfs?.size ?? size, ...defined({ hash }) });
    }
    url = nextPage(response.headers.get('link'), url);
  }
  return files;
}

const HASH_DIGITS = { sha256: 64, 'git-sha1': 40 } as const;

function hashOf(kind: FileHash['kind'], oid = ''): FileHash | undefined {
  return oid.length === HASH_DIGITS[kind] && /^[0-9a-f]+$/.test(oid) ? { kind, hex: oid } : undefined;
}

/** Names become paths below the cache folder: nothing may lead out of it. */
function isSafePath(path: string): boolean {
  return (
    !path.startsWith('/') &&
    !path.includes('\\') &&
    path.split('/').every((part) => part !== '' && part !== '..' && part !== '.')
  );
}

/**
 * `<url>; rel="next"` of the Link header. It is asked for with the user's token, so it must be of the scheme, host and
 * port of the page before.
 */
function nextPage(link: string | null, current: string): string | undefined {
  const next = link?.match(/<([^>]+)>;\s*rel="next"/)?.[1];
  if (next === undefined) return undefined;
  const [from, to] = [new URL(current), new URL(next, current)];
  if (to.origin === from.origin) return to.href;
  throw new MinferenceError(
    'NETWORK',
    `${from.href}: expected the next page of the listing at ${from.origin}, found it at ${to.origin}`,
    { hint: 'No token is sent there. Set HF_ENDPOINT to the address that the mirror itself gives.' },
  );
}
