import { readOpClock } from './op-times.js';

/** Often enough for a bar that moves, seldom enough to cost nothing. */
const INTERVAL_MS = 200;

/**
 * Runs `work`, one run of a graph, and meanwhile reports how many of its attention layers have finished. The count is
 * that of the whole process: with several runs at once it is an estimate, never above `layers`.
 */
export async function watchLayers<T>(
  { layers, onLayers }: { layers: number; onLayers: ((finished: number) => void) | undefined },
  work: () => Promise<T>,
): Promise<T> {
  if (!onLayers) return work();
  const before = (await readOpClock()).calls;
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const look = async () => {
    const { calls } = await readOpClock();
    if (over) return;
    onLayers(Math.min(calls - before, layers));
    timer = setTimeout(ignoreFailure, INTERVAL_MS);
  };
  // Without a count the bar stands still; the run itself says what is wrong.
  const ignoreFailure = () => void look().catch(() => undefined);
  timer = setTimeout(ignoreFailure, INTERVAL_MS);
  try {
    return await work();
  } finally {
    over = true;
    clearTimeout(timer);
  }
}
