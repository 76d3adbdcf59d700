// ONNX Runtime's CUDA execution provider, which must lie beside libonnxruntime.so.1. Its npm package is 220 MB that only
// GPUs need, so it is no dependency: a build with CUDA ops fetches it with npm, and keeps it.

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporary } from './paths.mjs';
import { BuildError, run } from './processes.mjs';

/** ONNX Runtime 1.29.0 as onnxruntime-node has it, built from the same commit; for CUDA 13. */
const PACKAGE = 'com.github.asus4.onnxruntime.linux-x64-gpu';
const VERSION = '0.4.9';
const INTEGRITY = 'sha512-FopIhNE/Ng+v2X65wVc9clPCBCvhvA53Hxo2U0Kf5fGdVsC7iCA+mZ0KLWggcQAj7TIZ6pNidR4AC10g74Xo6w==';
const INSIDE = 'package/Plugins/Linux/x64';

export const PROVIDER_FILES = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];

/** @returns why the provider could not be fetched; undefined when it lies in `folder` */
export async function placeProvider(folder) {
  const kept = join(temporary, `${PACKAGE}-${VERSION}`);
  try {
    if (!existsSync(kept)) await fetchProvider(kept);
  } catch (error) {
    if (!(error instanceof BuildError) || error.message === 'interrupted') throw error;
    return error.message;
  }
  for (const file of PROVIDER_FILES) copyFileSync(join(kept, file), join(folder, file));
  return undefined;
}

async function fetchProvider(kept) {
  console.error(`native part: fetching ONNX Runtime's CUDA provider (${PACKAGE}, 180 MB) …`);
  mkdirSync(temporary, { recursive: true });
  const work = mkdtempSync(join(temporary, 'provider-'));
  try {
    await step('npm', ['pack', `${PACKAGE}@${VERSION}`, '--silent', '--prefer-offline', '--pack-destination', work]);
    const archive = join(work, `${PACKAGE}-${VERSION}.tgz`);
    const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (found !== INTEGRITY) throw new BuildError(`expected ${PACKAGE} with ${INTEGRITY}, found ${found}`);
    const files = PROVIDER_FILES.map((file) => `${INSIDE}/${file}`);
    await step('tar', ['-xzf', archive, '-C', work, '--no-same-owner', ...files]);
    renameSync(join(work, INSIDE), kept);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function step(command, args) {
  const { status, output } = await run(command, args);
  if (status !== 0) throw new BuildError(`${command} ${args[0]} failed: ${output.trim() || 'no such program'}`);
}
