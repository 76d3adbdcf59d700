import type { DeviceChoice } from '../../runtime/device.js';
import type { EvalResults, ResultRow } from '../harness/results.js';

/** What an evaluation gives back. */
export interface NiahResults {
  /** Contents of the results file. */
  results: EvalResults;
  /** Per length and method over all tasks, then over all lengths: the table to show. */
  table: ResultRow[];
  /** Per length, task and method. */
  byTask: ResultRow[];
  /** Heat maps of depth × length per method, and scores and times by length, as SVG text. */
  svg: { heatMaps: string; curves: string };
  /** What was written; null without `out`. */
  out: string | null;
  plots: { heatMaps: string; curves: string } | null;
  /** Answers, and how many of them an earlier run had. */
  answers: { total: number; resumed: number };
  timings: { loadMs: number; totalMs: number };
  /** Where the model ran, and why. */
  device: DeviceChoice;
  /** Largest resident memory of the process so far. */
  peakMemoryBytes: number;
}
