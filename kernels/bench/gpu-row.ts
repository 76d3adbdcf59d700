/** One measured thing: `id` is "what-length/part". The native bench and gpu-baseline.py write the same. */
export interface GpuRow {
  id: string;
  tokens: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  /** Median, with the extremes of `runs` runs. */
  ms: number;
  leastMs: number;
  mostMs: number;
  runs: number;
  /** Of computed tiles, or of dense causal attention. */
  flops?: number;
  tflops?: number;
  bytes?: number;
  note?: string;
}

/** Rows by id. */
export type GpuRows = ReadonlyMap<string, GpuRow>;
