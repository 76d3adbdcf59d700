import { median } from '../../utils/statistics.js';
import { BASELINE } from '../harness/summarize.js';
import type { LatencyResults, LatencyRow, LatencyRun } from './results.js';

/** A row per length and method that was timed, in the order of both. */
export function summarizeRuns(
  runs: readonly LatencyRun[],
  { lengths, methods, textTokens }: { lengths: readonly number[]; methods: readonly string[]; textTokens: number },
): LatencyRow[] {
  return lengths.flatMap((length) => {
    const at = (method: string) => runs.filter((run) => run.length === length && run.method === method);
    const dense = at(BASELINE);
    return methods.flatMap((method): LatencyRow[] => {
      const own = at(method);
      if (own.length === 0) return [];
      const times = own.map(({ prefill_ms }) => prefill_ms);
      const middle = median(times);
      const [index, attention] = [medianOf(own, 'index_ms'), medianOf(own, 'attention_ms')];
      const computed = own.flatMap(({ computed }) => computed ?? []);
      return [
        {
          length,
          method,
          rounds: own.length,
          prefill_ms: spreadOf(times),
          tokens_per_second: rounded((length / middle) * 1000),
          index_ms: index,
          attention_ms: attention,
          rest_ms: index === null || attention === null ? null : rounded(Math.max(0, middle - index - attention)),
          computed: computed.length === 0 ? null : rounded(median(computed)),
          peak_memory_bytes: Math.max(...own.map(({ peak_memory_bytes }) => peak_memory_bytes)),
          repeated: length > textTokens,
          ...(method === BASELINE ? { speedup: null, attention_speedup: null } : compare(own, dense)),
        },
      ];
    });
  });
}

/** Prefills of the same round lie close together in time: what the machine did meanwhile hit both. */
function compare(own: readonly LatencyRun[], dense: readonly LatencyRun[]) {
  const ratios = own.flatMap((run) => {
    const other = dense.find(({ round }) => round === run.round);
    return other && run.prefill_ms > 0 ? [other.prefill_ms / run.prefill_ms] : [];
  });
  const attention = (runs: readonly LatencyRun[]) => {
    const [index, rest] = [medianOf(runs, 'index_ms'), medianOf(runs, 'attention_ms')];
    return index === null || rest === null ? null : index + rest;
  };
  const [theirs, ours] = [attention(dense), attention(own)];
  return {
    speedup: ratios.length === 0 ? null : spreadOf(ratios),
    attention_speedup: theirs === null || !ours ? null : rounded(theirs / ours),
  };
}

/**
 * From which length on each method stays faster than dense, among those timed and, by a straight line through the logarithms
 * of the two lengths around it, between them. Null where it never is; the shortest length where it always is.
 */
export function findCrossovers(rows: readonly LatencyRow[], methods: readonly string[]): LatencyResults['crossovers'] {
  return methods
    .filter((method) => method !== BASELINE)
    .map((method) => {
      const own = rows.filter((row) => row.method === method && row.speedup !== null);
      const lastSlower = own.findLastIndex(({ speedup }) => speedup!.median <= 1);
      const first = own[lastSlower + 1];
      if (!first) return { method, measured: null, estimated: null };
      const before = own[lastSlower];
      if (!before) return { method, measured: first.length, estimated: null };
      const [x0, x1] = [Math.log(before.length), Math.log(first.length)];
      const [y0, y1] = [Math.log(before.speedup!.median), Math.log(first.speedup!.median)];
      return { method, measured: first.length, estimated: Math.round(Math.exp(x0 + ((x1 - x0) * -y0) / (y1 - y0))) };
    });
}

function medianOf(runs: readonly LatencyRun[], field: 'index_ms' | 'attention_ms'): number | null {
  const values = runs.flatMap((run) => run[field] ?? []);
  return values.length < runs.length || values.length === 0 ? null : rounded(median(values));
}

const spreadOf = (values: readonly number[]) => ({
  median: rounded(median(values)),
  low: rounded(Math.min(...values)),
  high: rounded(Math.max(...values)),
});

/** Six digits: what a clock gives. */
const rounded = (value: number) => Number(value.toPrecision(6));
