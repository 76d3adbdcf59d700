import { basename } from 'node:path';
import { defined } from '../utils/defined.js';
import { readJsonFile } from '../utils/json.js';
import { checkModel, type ModelAtHand } from './check-model.js';
import { MAX_PATTERN_FILE_BYTES } from './limits.js';
import { findMinferenceLayers, readMinferenceLayers } from './minference-json.js';
import { parsePatternFile } from './parse-pattern-file.js';
import type { PatternFile } from './pattern-file.js';

/**
 * Reads a pattern file and checks it: its size before reading, then UTF-8, JSON, keys given twice, the schema, and, when
 * a model is given, that the patterns are for it. MInference's own JSON, alone or inside a config.json, is read too.
 *
 * @param model the model the patterns are for, such as an open decoder
 * @param options.ignoreFingerprint accept a file of another export of the model; shapes must agree all the same
 * @throws {MinferenceError} READ_FAILED, PATTERNS_INVALID, PATTERNS_MISMATCH
 */
export async function loadPatterns(
  path: string,
  model?: ModelAtHand,
  options: { ignoreFingerprint?: boolean } = {},
): Promise<PatternFile> {
  const value = await readJsonFile(path, {
    code: 'PATTERNS_INVALID',
    maxBytes: MAX_PATTERN_FILE_BYTES,
    hint: 'give a pattern file, or make one with: minference search',
  });
  const file = parseEither(value, path, model);
  if (model) checkModel(file, model, { name: path, ...options });
  return file;
}

function parseEither(value: unknown, path: string, model: ModelAtHand | undefined): PatternFile {
  const foreign = findMinferenceLayers(value);
  if (foreign === undefined) return parsePatternFile(value, path);
  return readMinferenceLayers(foreign, {
    name: path,
    id: basename(path),
    ...defined({ layers: model?.layers, leftAlone: model && (model.leftAlone ?? []) }),
  });
}
