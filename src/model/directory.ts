import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { MinferenceError } from '../errors.js';
import { defined } from '../utils/defined.js';
import { type ProgressReporter, silentProgress } from '../utils/progress.js';
import { EMBEDDED_MODEL, embeddedModelFolder } from './embedded.js';
import { parseHubId } from './hub/hub-id.js';
import { resolveHubModel } from './hub/resolve-hub-model.js';
import type { ModelDirectory } from './model-directory.js';
import { openModelFile, openModelFolder } from './open-folder.js';

export type { ModelDirectory } from './model-directory.js';

export interface ResolveOptions {
  /** Which ONNX file, when the folder has several: a name, a path or transformers.js' dtype (`q4`, `fp16` …). */
  variant?: string;
  /** Watches downloads. */
  progress?: ProgressReporter;
  /** Stops downloads. */
  signal?: AbortSignal;
}

/**
 * Finds a model.
 *
 * @param spec - a folder (transformers.js, Optimum or onnxruntime-genai layout), an .onnx file, a Hub id
 *   `org/name[@revision]`, or undefined for the embedded model
 * @throws MinferenceError MODEL_NOT_FOUND, MODEL_INVALID, NETWORK, USAGE (variant), READ_FAILED, WRITE_FAILED, ABORTED
 */
export async function resolveModel(spec: string | undefined, options: ResolveOptions = {}): Promise<ModelDirectory> {
  if (spec === undefined) return openModelFolder(embeddedModelFolder(), EMBEDDED_MODEL, options.variant);
  const path = resolve(spec);
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isDirectory()) return openModelFolder(path, basename(path), options.variant);
  if (facts?.isFile() && path.endsWith('.onnx')) {
    const configFolder = basename(dirname(path)) === 'onnx' ? dirname(dirname(path)) : dirname(path);
    return openModelFile(path, basename(configFolder), options.variant);
  }
  if (facts) {
    throw new MinferenceError(
      'MODEL_INVALID',
      `${spec}: expected a model folder or an .onnx file, found another file`,
      {
        hint: 'Give the folder with config.json or genai_config.json, or the .onnx file in it.',
      },
    );
  }
  const hubId = parseHubId(spec);
  if (hubId) {
    const { variant, progress = silentProgress, signal } = options;
    return resolveHubModel(hubId, { progress, ...defined({ variant: variant || undefined, signal }) });
  }
  throw new MinferenceError(
    'MODEL_NOT_FOUND',
    `${spec}: expected a model folder, an .onnx file or a Hub id, found none`,
    {
      hint: `There is nothing at ${join(path)}. A Hub id looks like org/name or org/name@revision.`,
    },
  );
}
