import { join } from 'node:path';
import { cacheHome, readEnv } from '../../utils/env.js';
import type { HubId } from './hub-id.js';

/** Where models come from and where they are kept. */
export interface HubSettings {
  /** Without a trailing slash. */
  endpoint: string;
  /** `{model}/resolve/{revision}/`, as in transformers.js. */
  pathTemplate: string;
  token: string | undefined;
  /** No request is made: only cached models work. */
  offline: boolean;
  /** Root of the download cache: `<root>/<org>/<name>[@<revision>]/<file>`, for `main` transformers.js' own. */
  cacheFolder: string;
  /** Root of the Python tools' cache; read, never written. */
  pythonCacheFolder: string;
  fetch: typeof fetch;
}

/**
 * Settings of @huggingface/transformers (`env.remoteHost`, `env.cacheDir`, `env.fetch` …), so that both share a cache,
 * with the Hub's usual variables on top: HF_TOKEN or HF_ACCESS_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE, HF_HOME,
 * HF_HUB_CACHE. With HF_HOME set, downloads go to `$HF_HOME/transformers.js` instead of a folder in node_modules.
 */
export async function readHubSettings(): Promise<HubSettings> {
  const { env } = await import('@huggingface/transformers');
  const home = readEnv('HF_HOME');
  const pythonHome = home ?? join(cacheHome(), 'huggingface');
  return {
    endpoint: (readEnv('HF_ENDPOINT') ?? env.remoteHost).replace(/\/+$/, ''),
    pathTemplate: env.remotePathTemplate,
    token: readEnv('HF_TOKEN') ?? readEnv('HF_ACCESS_TOKEN'),
    offline: /^(1|true|yes|on)$/i.test(readEnv('HF_HUB_OFFLINE') ?? '') || !env.allowRemoteModels,
    cacheFolder: home ? join(home, 'transformers.js') : (env.cacheDir ?? join(pythonHome, 'transformers.js')),
    pythonCacheFolder: readEnv('HF_HUB_CACHE') ?? join(pythonHome, 'hub'),
    fetch: env.fetch as typeof fetch,
  };
}

/**
 * Folder of one model's downloads. For `main` it is transformers.js' own. A revision lies beside it, not in it as there:
 * a branch named `onnx` would share a folder with the files of `main`. No name on the Hub holds an `@` or a `%`.
 */
export function downloadFolder(settings: HubSettings, id: HubId): string {
  const folder = join(settings.cacheFolder, id.repo);
  return id.revision === 'main' ? folder : `${folder}@${encodeURIComponent(id.revision)}`;
}
