import type { Session } from '../runtime/session.js';
import type { OpCounters } from '../runtime/types.js';

/** What the attention ops of a session did between two readings. */
export interface OpTimes {
  /** Building sparse indices, in milliseconds. */
  indexMs: number;
  /** Rotary embedding, cache write and attention, in milliseconds. */
  attentionMs: number;
  /** Tiles computed, as a share of those of dense attention; null where nothing was to compute. */
  computed: number | null;
}

const NOTHING: OpCounters = { indexMs: 0, totalMs: 0, calls: 0, tiles: 0, denseTiles: 0 };

/** Starts measuring what the attention ops of a session take; the returned function reads it. */
export function startOpTimes(session: Pick<Session, 'counters'>): () => OpTimes {
  const before = session.counters() ?? NOTHING;
  return () => {
    const now = session.counters() ?? NOTHING;
    const indexMs = now.indexMs - before.indexMs;
    const denseTiles = now.denseTiles - before.denseTiles;
    return {
      indexMs,
      attentionMs: now.totalMs - before.totalMs - indexMs,
      computed: denseTiles === 0 ? null : (now.tiles - before.tiles) / denseTiles,
    };
  };
}
