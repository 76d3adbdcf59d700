import { homedir } from 'node:os';
import { join } from 'node:path';
import type { HubId } from './hub-id.js';

type Environment = Record<string, string | undefined>;

/** Where models come from and where they are kept. */
export interface HubSettings {
  /** Without a trailing slash. */
  endpoint: string;
  /** `{model}/resolve/{revision}/`, as in transformers.js. */
  pathTemplate: string;
  token: string | undefined;
  /** No request is made: only cached models work. */
  offline: boolean;
  /** Root of the download cache: `<root>/<org>/<name>[/<revision>]/<file>`, transformers.js' own. */
  cacheFolder: string;
  /** Root of the Python tools' cache; read, never written. */
  pythonCacheFolder: string;
  fetch: typeof fetch;
}

/**
 * The Hub's usual variables: HF_TOKEN or HF_ACCESS_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE, HF_HOME, HF_HUB_CACHE. Downloads go
 * to `transformers.js` in HF_HOME, where that library keeps its own.
 */
export async function readHubSettings(variables: Environment = process.env): Promise<HubSettings> {
  const home = variables.HF_HOME ?? join(variables.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface');
  return {
    endpoint: (variables.HF_ENDPOINT ?? 'https://huggingface.co').replace(/\/+$/, ''),
    pathTemplate: '{model}/resolve/{revision}/',
    token: variables.HF_TOKEN || variables.HF_ACCESS_TOKEN || undefined,
    offline: /^(1|true|yes|on)$/i.test(variables.HF_HUB_OFFLINE ?? ''),
    cacheFolder: join(home, 'transformers.js'),
    pythonCacheFolder: variables.HF_HUB_CACHE ?? join(home, 'hub'),
    fetch,
  };
}

/** Folder of one model's downloads. */
export function downloadFolder(settings: HubSettings, id: HubId): string {
  const folder = join(settings.cacheFolder, id.repo);
  return id.revision === 'main' ? folder : join(folder, id.revision);
}
