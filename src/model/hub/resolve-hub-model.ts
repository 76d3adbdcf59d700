import { MinferenceError } from '../../errors.js';
import type { ProgressReporter } from '../../utils/progress.js';
import type { ModelDirectory } from '../model-directory.js';
import { openModelFolder } from '../open-folder.js';
import { chooseVariant, findVariants, type ModelVariant } from '../variants.js';
import { findCachedFolder } from './cached-folder.js';
import { downloadFile } from './download-file.js';
import { filesToDownload } from './files-to-download.js';
import type { HubId } from './hub-id.js';
import { listRepo } from './list-repo.js';
import { assertReachable, endpointUrl, unreachable } from './request.js';
import { downloadFolder, type HubSettings, readHubSettings } from './settings.js';

export interface HubOptions {
  variant?: string;
  progress: ProgressReporter;
  signal?: AbortSignal;
}

/**
 * Opens a Hub model: from the cache when it has the variant asked for, or the default one; else downloading what is
 * missing; else, without network, with what the cache has. Errors as {@link resolveModel}'s.
 */
export async function resolveHubModel(id: HubId, options: HubOptions): Promise<ModelDirectory> {
  const settings = await readHubSettings();
  const name = id.revision === 'main' ? id.repo : `${id.repo}@${id.revision}`;
  const any = (variants: readonly ModelVariant[]) => chooseCached(variants, options.variant, name);
  // Without a wish only the variant that a download would choose will do, not what an earlier wish left behind.
  const wanted = (variants: readonly ModelVariant[]) => {
    const variant = any(variants);
    return options.variant !== undefined || /(^|\/)model\.onnx$/.test(variant?.file ?? '') ? variant : undefined;
  };
  const folder =
    (await findCachedFolder(settings, id, wanted)) ??
    (await download(settings, id, name, options).catch(async (error) => {
      const anything = error.code === 'NETWORK' ? await findCachedFolder(settings, id, any) : undefined;
      if (anything === undefined) throw error;
      options.progress.warn(`${name}: the Hub cannot be reached; using what ${anything} holds`);
      return anything;
    }));
  return openModelFolder(folder, name, options.variant);
}

async function download(settings: HubSettings, id: HubId, name: string, options: HubOptions): Promise<string> {
  const { progress, signal } = options;
  const folder = downloadFolder(settings, id);
  if (settings.offline) throw unreachable(endpointUrl(settings).host, id, 'HF_HUB_OFFLINE is set');
  await assertReachable(settings, id);
  const files = await listRepo(settings, id, signal);
  const variants = findVariants(files.map((file) => file.path));
  if (variants.length === 0) {
    throw new MinferenceError('MODEL_NOT_FOUND', `${name}: expected ONNX files with a configuration, found none`, {
      hint: 'Choose a repository with an onnx/ folder or a genai_config.json, or export the model yourself (optimum-cli export onnx).',
    });
  }
  const wanted = filesToDownload(files, chooseVariant(variants, options.variant, name));
  const total = wanted.reduce((bytes, file) => bytes + file.size, 0);
  const task = progress.start({ label: `download ${name}`, total, unit: 'bytes' });
  let done = 0;
  let summary: string | undefined;
  try {
    for (const file of wanted) {
      const onBytes = (bytes: number) => {
        done += bytes;
        task.update(done, file.path);
      };
      await downloadFile(file, { settings, id, folder, signal, onBytes });
    }
    summary = `downloaded ${name} to ${folder}`;
    return folder;
  } finally {
    task.finish(summary);
  }
}

function chooseCached(variants: readonly ModelVariant[], wish: string | undefined, name: string) {
  try {
    return chooseVariant(variants, wish, name);
  } catch {
    return undefined;
  }
}
