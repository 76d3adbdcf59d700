/** One call of the graph: `rows` prompt tokens from position `start` on. */
export interface Chunk {
  start: number;
  rows: number;
}

/** Rows from which a chunk's vertical-slash indices are estimated (kLastQ of the ops). */
const LAST_Q = 64;

/**
 * Cuts a prompt into chunks of `chunk` tokens. Every chunk chooses its indices from its own last 64 rows, so a shorter
 * rest takes rows from the chunk before it.
 */
export function chunkSchedule(tokens: number, chunk: number): Chunk[] {
  const chunks: Chunk[] = [];
  for (let start = 0; start < tokens; ) {
    const left = tokens - start;
    let rows = Math.min(chunk, left);
    const rest = left - rows;
    if (rest > 0 && rest < LAST_Q && rows >= 2 * LAST_Q) rows -= LAST_Q - rest;
    chunks.push({ start, rows });
    start += rows;
  }
  return chunks;
}
