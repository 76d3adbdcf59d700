import type { PatternFile } from '../src/patterns/pattern-file.js';
import type { DeviceChoice } from '../src/runtime/device.js';
import type { Stability } from './stability.js';
import type { LayerSummary } from './summary.js';

export interface SearchResult {
  patterns: PatternFile;
  /** Where the model ran, and why. */
  device: DeviceChoice;
  /** What was written; null without `out`. */
  out: string | null;
  map: string | null;
  /** Map of layers × heads as SVG text. */
  svg: string;
  layers: LayerSummary[];
  stability: Stability;
  /** Heads that stay dense because what was measured for them is no number; a result with any is partial. */
  anomalies: { layer: number; heads: number[] }[];
  samples: { total: number; resumed: number };
  timings: { loadMs: number; calibrationMs: number; probeMs: number; totalMs: number };
  /** Largest resident memory of this process so far. */
  peakMemoryBytes: number;
}
