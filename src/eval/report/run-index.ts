import { group, rollup } from 'd3-array';
import { aggregateOf } from '../harness/draw-curves.js';
import type { EvalResults, ResultAggregate, ResultRow } from '../harness/results.js';

/** Finds results by method, length and task, however many there are. */
export interface RunIndex {
  /** The mean over the tasks of a length; null: over all lengths. */
  mean(method: string, length: number | null): ResultAggregate | undefined;
  row(method: string, length: number, task: string): ResultRow | undefined;
  /** Prompts that the method has no answer to: of a task at a length, of a length, or of all. */
  failed(method: string, length?: number, task?: string): number;
}

export function indexRun({ options, aggregates, rows, failures }: EvalResults): RunIndex {
  const means = group(aggregates, ({ method }) => method);
  const byPlace = new Map(rows.map((row) => [keyOf(row.method, row.length, row.task), row]));
  const count = (list: readonly unknown[]) => list.length;
  const [ofAll, ofLength, ofTask] = [
    rollup(failures, count, ({ method }) => keyOf(method)),
    rollup(failures, count, ({ method, length }) => keyOf(method, length)),
    rollup(failures, count, ({ method, length, task }) => keyOf(method, length, task)),
  ];
  return {
    mean: (method, length) => aggregateOf({ options, aggregates: means.get(method) ?? [] }, { method, length }),
    row: (method, length, task) => byPlace.get(keyOf(method, length, task)),
    failed(method, length, task) {
      const counts = length === undefined ? ofAll : task === undefined ? ofLength : ofTask;
      return counts.get(keyOf(method, length, task)) ?? 0;
    },
  };
}

const keyOf = (method: string, length?: number, task?: string) => JSON.stringify([method, length, task]);
