import { z } from 'zod';

/** Bounds on what a manifest may say; a data set beyond them does not belong into this package. */
const MAX_TEXT = 4096;
const MAX_FILES = 256;
export const MAX_FILE_BYTES = 256 * 2 ** 20;

const text = z.string().min(1).max(MAX_TEXT);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'expected a SHA-256 in 64 lower-case hex digits' });
const size = z.int().min(0).max(MAX_FILE_BYTES);
/** A file of the folder itself. */
const path = z.string().regex(/^[\w][\w.-]{0,99}$/, { error: 'expected a file name without folders' });

const fileSchema = z
  .strictObject({
    path,
    bytes: size.describe('of the file as it lies in the folder'),
    sha256,
    compression: z.enum(['none', 'gzip']),
    content: z.strictObject({ bytes: size, sha256 }).optional().describe('unpacked; only with compression'),
    records: z.int().min(0).optional().describe('lines'),
  })
  .refine((file) => (file.compression === 'none') === (file.content === undefined), {
    error: 'expected `content` for a compressed file and for no other',
  });

/** `manifest.json` of a folder under datasets/: where its files come from and what they must be. */
export const manifestSchema = z.strictObject({
  schema: z.literal('minference.dataset/1'),
  name: text,
  description: text,
  licence: text,
  sources: z
    .array(z.strictObject({ what: text, from: text.describe('package and version'), licence: text }))
    .min(1)
    .max(MAX_FILES),
  files: z.array(fileSchema).min(1).max(MAX_FILES),
});

export type DatasetManifest = z.infer<typeof manifestSchema>;
export type DatasetFile = DatasetManifest['files'][number];
