import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { DecoderSpec } from '../../models/builder/spec.js';
import { type ModelLayout, writeModelDirectory } from '../../models/builder/write-model-directory.js';
import { resolveModel } from '../../src/model/directory.js';
import type { DecoderParts } from '../../src/prefill/decoder-parts.js';
import { asGrown } from '../../src/prefill/kv-cache.js';
import { type OpenGraphOptions, openGraph } from '../../src/prefill/open-parts.js';
import { type PrefillOptions, runPrefill } from '../../src/prefill/prefill.js';

/** Writes a random model to a temporary folder that goes away with the test. */
export async function tinyModel(spec: DecoderSpec = {}, layout?: ModelLayout): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'minference-tiny-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  await writeModelDirectory(folder, spec, layout ? { layout } : {});
  return folder;
}

/** Opens a graph without the Decoder around it; `shared: false` makes the cache grow run by run. */
export async function openTiny(
  folder: string,
  options: Partial<OpenGraphOptions> & { shared?: false } = {},
): Promise<DecoderParts> {
  const { shared, ...rest } = options;
  const directory = await resolveModel(folder);
  const { parts } = await openGraph(directory, { graph: 'prefill', logits: 'last', device: 'cpu', ...rest });
  onTestFinished(() => parts.session.dispose());
  return shared === false ? { ...parts, states: asGrown(parts.states) } : parts;
}

/** Logits of the last position; the cache is freed. */
export async function lastLogits(
  parts: DecoderParts,
  tokens: readonly number[],
  options: Partial<PrefillOptions> = {},
): Promise<Float32Array> {
  const { cache, logits } = await runPrefill(parts, tokens, { patterns: 'dense', ...options });
  cache.dispose();
  return logits;
}

/** Reproducible token ids below `vocabulary`. */
export function someTokens(count: number, vocabulary = 272, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % vocabulary;
  });
}

/** Largest absolute difference; Infinity when one has NaN or the lengths differ. */
export function maxDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let max = 0;
  for (let index = 0; index < a.length; index++) {
    const difference = Math.abs(a[index]! - b[index]!);
    if (Number.isNaN(difference)) return Infinity;
    max = Math.max(max, difference);
  }
  return max;
}
