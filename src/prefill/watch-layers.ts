import type { Session } from '../runtime/session.js';

/** Often enough for a bar that moves, seldom enough to cost nothing. */
const INTERVAL_MS = 200;

/** Runs `work`, one run of the session's graph, and meanwhile reports how many of its attention layers have finished. */
export async function watchLayers<T>(
  session: Pick<Session, 'counters'>,
  { layers, onLayers }: { layers: number; onLayers: ((finished: number) => void) | undefined },
  work: () => Promise<T>,
): Promise<T> {
  if (!onLayers) return work();
  const before = session.counters()?.calls ?? 0;
  const look = () => {
    let calls: number;
    try {
      calls = session.counters()?.calls ?? 0;
    } catch {
      return; // Without a count the bar stands still; the run itself says what is wrong.
    }
    onLayers(Math.min(calls - before, layers));
  };
  const timer = setInterval(look, INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
