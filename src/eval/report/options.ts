import { extname } from 'node:path';
import { z } from 'zod';
import { MinferenceError } from '../../errors.js';
import * as option from '../../utils/option-schemas.js';

export const FORMATS = ['html', 'md', 'csv'] as const;
export type ReportFormat = (typeof FORMATS)[number];

/** More would be a page that nobody reads. */
const MAX_FOLDERS = 64;

export interface ReportOptions {
  /** Folders of results, each with its results.json. */
  folders: readonly string[];
  /** File to write. Default: nothing is written. */
  out?: string;
  /** Default: what the name of `out` ends in (.html, .md, .csv), else `html`. */
  format?: ReportFormat;
}

export const formatSchema = option.oneOf(FORMATS);

export const reportSchema = z.strictObject({
  folders: z
    .array(option.text('a folder'))
    .min(1, { error: 'expected at least one folder' })
    .max(MAX_FOLDERS, { error: `expected at most ${MAX_FOLDERS} folders` }),
  out: option.path.optional(),
  format: formatSchema.optional(),
});

const EXTENSIONS: Readonly<Record<string, ReportFormat>> = {
  '.html': 'html',
  '.htm': 'html',
  '.md': 'md',
  '.markdown': 'md',
  '.csv': 'csv',
};

/**
 * The format that was asked for, by its name or by the file's.
 *
 * @throws {MinferenceError} USAGE for a file whose name says nothing
 */
export function chooseFormat({ out, format }: Pick<ReportOptions, 'out' | 'format'>): ReportFormat {
  if (format !== undefined) return format;
  if (out === undefined) return 'html';
  const extension = extname(out).toLowerCase();
  const found = EXTENSIONS[extension];
  if (found !== undefined) return found;
  throw new MinferenceError('USAGE', `--out: expected a name that ends in .html, .md or .csv, found ${out}`, {
    hint: `choose another name, or say which format it is, such as --format ${FORMATS[0]}`,
  });
}
