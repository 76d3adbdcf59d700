import { writeFileAtomic } from '../utils/atomic-write.js';
import { parsePatternFile } from './parse-pattern-file.js';
import type { PatternFile } from './pattern-file.js';

/**
 * The text of a pattern file: two spaces of indentation, one line per head, so that two files can be compared line by
 * line. The same patterns give the same text.
 */
export function formatPatterns(file: PatternFile): string {
  const { layers, ...rest } = file;
  const blocks = layers.map(({ heads, ...marks }) => {
    const fields = Object.entries(marks).map(([name, value]) => `      "${name}": ${JSON.stringify(value)},\n`);
    const lines = heads.map((head) => `        ${JSON.stringify(head)}`);
    const list = lines.length === 0 ? '[]' : `[\n${lines.join(',\n')}\n      ]`;
    return `    {\n${fields.join('')}      "heads": ${list}\n    }`;
  });
  const head = JSON.stringify(rest, null, 2).slice(0, -'\n}'.length);
  return `${head},\n  "layers": [\n${blocks.join(',\n')}\n  ]\n}\n`;
}

/**
 * Checks and writes a pattern file: whole or not at all.
 *
 * @throws {MinferenceError} PATTERNS_INVALID when `file` breaks the schema; WRITE_FAILED.
 */
export async function savePatterns(path: string, file: PatternFile): Promise<void> {
  await writeFileAtomic(path, formatPatterns(parsePatternFile(file, path)));
}
