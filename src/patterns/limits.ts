/**
 * Bounds on what a pattern file may say: far above every published decoder, and low enough that a wrong or hostile
 * number is refused before it becomes an allocation or overflows the ops' int32.
 */
export const MAX_LAYERS = 1024;
export const MAX_HEADS = 4096;
export const MAX_HEAD_DIM = 4096;
/** Columns, diagonals, sinks, windows, blocks and prompt lengths, in tokens (or blocks). */
export const MAX_TOKENS = 2 ** 30;
/** FLOPs of one head: dense attention over 2^30 tokens with the largest head is below it. */
export const MAX_FLOPS = 1e23;
/** Errors are relative; anything beyond this says that the file is broken. */
export const MAX_ERROR = 1e6;
/** Names, hashes, dates. */
export const MAX_TEXT = 1024;
/** Calibration sets, and samples of one of them. */
export const MAX_SETS = 64;
export const MAX_SAMPLES = 1000;
export const MAX_CANDIDATES = 256;
/** A file for 1,024 layers of 128 heads with every field has about 30 MiB. */
export const MAX_PATTERN_FILE_BYTES = 64 * 2 ** 20;
