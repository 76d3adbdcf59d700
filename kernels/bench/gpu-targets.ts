import type { GpuRows } from './gpu-row.js';

/** A figure that is wanted, and what was measured; null where a row that it needs is missing. */
export interface TargetResult {
  what: string;
  target: string;
  measured: string | null;
  reached: boolean | null;
}

interface Target {
  what: string;
  target: string;
  /** Rows that are read, in the order of the arguments of `judge`. */
  rows: readonly string[];
  judge: (rows: readonly Measured[]) => { measured: string; reached: boolean };
}

interface Measured {
  ms: number;
  tflops: number;
  bytes: number;
}

const times = (value: number) => `${value.toFixed(2)}×`;

/** At least `least` times the rate of the baseline: [ours, baseline]. */
function rate(what: string, ours: string, baseline: string, least: number): Target {
  return {
    what,
    target: `≥ ${least}× ${baseline.split('/')[1]}`,
    rows: [ours, baseline],
    judge: ([a, b]) => ({
      measured: `${a!.tflops.toFixed(0)} against ${b!.tflops.toFixed(0)} TFLOP/s: ${times(b!.ms / a!.ms)}`,
      reached: b!.ms / a!.ms >= least,
    }),
  };
}

/** TFLOP/s on computed tiles: [ours, our dense]. */
function tileRate(what: string, ours: string): Target {
  return {
    what,
    target: '≥ 500 TFLOP/s, ≥ 0.85× our dense',
    rows: [ours, 'dense-128k'],
    judge: ([a, dense]) => ({
      measured: `${a!.tflops.toFixed(0)} TFLOP/s on computed tiles, ${times(a!.tflops / dense!.tflops)} our dense`,
      reached: a!.tflops >= 500 && a!.tflops >= 0.85 * dense!.tflops,
    }),
  };
}

function speedup(what: string, ours: string, dense: string, least: number): Target {
  return {
    what,
    target: `≥ ${least}× cuDNN dense`,
    rows: [ours, dense],
    judge: ([a, b]) => ({
      measured: `${a!.ms.toFixed(2)} against ${b!.ms.toFixed(2)} ms: ${times(b!.ms / a!.ms)}`,
      reached: b!.ms / a!.ms >= least,
    }),
  };
}

/** At most `most` times as long: [this, that]. */
function share(what: string, target: string, rows: [string, string], most: number): Target {
  return {
    what,
    target,
    rows,
    judge: ([a, b]) => ({
      measured: `${a!.ms.toFixed(3)} against ${b!.ms.toFixed(3)} ms: ${(a!.ms / b!.ms).toFixed(3)}×`,
      reached: a!.ms / b!.ms <= most,
    }),
  };
}

const TARGETS: readonly Target[] = [
  rate('dense 32K', 'dense-32k', 'dense-32k/cudnn', 0.9),
  rate('dense 128K', 'dense-128k', 'dense-128k/cudnn', 0.9),
  rate('dense 32K, head size 64', 'dense-32k-d64', 'dense-32k-d64/cudnn', 0.85),
  rate('dense 32K, FlashAttention', 'dense-32k', 'dense-32k/flash', 1),
  rate('dense 128K, FlashAttention', 'dense-128k', 'dense-128k/flash', 1),
  rate('dense 32K in ONNX Runtime', 'dense-32k/ours-in-ort', 'dense-32k/ort', 1),
  rate('dense 128K in ONNX Runtime', 'dense-128k/ours-in-ort', 'dense-128k/ort', 1),
  tileRate('vertical_slash 128K, 32 heads', 'vs-128k/attention'),
  tileRate('vertical_slash 512K, 4 heads', 'vs-512k/attention'),
  tileRate('vertical_slash 1M, 4 heads', 'vs-1m/attention'),
  tileRate('block_sparse, 100 blocks, 128K', 'blocks-128k/attention'),
  speedup('whole op, vertical_slash 128K', 'vs-128k/op', 'dense-128k/cudnn', 8),
  speedup('whole op, vertical_slash 512K', 'vs-512k/op', 'dense-512k/cudnn', 40),
  speedup('whole op, vertical_slash 1M', 'vs-1m/op', 'dense-1m/cudnn', 75),
  share('index of the whole op, 128K', '≤ 0.04×', ['vs-128k/index', 'vs-128k/op'], 0.04),
  share('probe of 8 candidates, 32K', '≤ 4× our dense', ['probe-32k', 'dense-32k'], 4),
  share('decode over 128K', '≤ 1.1× ONNX Runtime', ['decode-128k/ours-in-ort', 'decode-128k/ort'], 1.1),
  {
    what: 'scratch memory, 1M, 32 heads',
    target: '≤ 256 MB',
    rows: ['vs-1m-32-heads/op'],
    judge: ([a]) => ({ measured: `${(a!.bytes / 1e6).toFixed(0)} MB`, reached: a!.bytes <= 256e6 }),
  },
];

export function judgeTargets(rows: GpuRows): TargetResult[] {
  return TARGETS.map(({ what, target, rows: ids, judge }) => {
    const found = ids.map((id) => rows.get(id));
    if (found.includes(undefined)) return { what, target, measured: null, reached: null };
    const measured = found.map((row) => ({ ms: row!.ms, tflops: row!.tflops ?? 0, bytes: row!.bytes ?? 0 }));
    return { what, target, ...judge(measured) };
  });
}
