import { z } from 'zod';
import { MinferenceError } from '../../errors.js';
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
  /** SHA-256 of large files. */
  sha256?: string;
}

const entrySchema = z.looseObject({
  type: z.string(),
  path: z.string().max(1024),
  size: z.int().min(0).default(0),
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
    for (const { type, path, size, lfs } of entries.data) {
      if (type !== 'file' || !isSafePath(path)) continue;
      files.push({ path, size: lfs?.size ?? size, ...(isSha256(lfs?.oid) ? { sha256: lfs!.oid } : {}) });
    }
    url = nextPage(response.headers.get('link'), settings.endpoint);
  }
  return files;
}

const isSha256 = (oid: string | undefined) => oid !== undefined && /^[0-9a-f]{64}$/.test(oid);

/** Names become paths below the cache folder: nothing may lead out of it. */
function isSafePath(path: string): boolean {
  return (
    !path.startsWith('/') &&
    !path.includes('\\') &&
    path.split('/').every((part) => part !== '' && part !== '..' && part !== '.')
  );
}

/** `<url>; rel="next"` of the Link header, when it stays on the same host. */
function nextPage(link: string | null, endpoint: string): string | undefined {
  const next = link?.match(/<([^>]+)>;\s*rel="next"/)?.[1];
  if (next === undefined) return undefined;
  const url = new URL(next, `${endpoint}/`);
  return url.host === new URL(endpoint).host ? url.href : undefined;
}
