import type { PatternFile } from '../../../src/patterns/pattern-file.js';

/** A searched pattern file with the same vertical-slash pattern in all heads: 10 % of dense at 8K. */
export function patternFile({ layers = 1, heads = 2, fingerprint = 'sha256:x' } = {}): PatternFile {
  const sha256 = '0'.repeat(64);
  return {
    schema: 'minference.patterns/1',
    model: { id: 'fake', fingerprint, num_layers: layers, num_heads: heads },
    search: {
      tool: 'minference test',
      objective: 'answer',
      budget: { spec: '10%', flops: 1e9, fraction: 0.1 },
      length: 8192,
      candidates: [{ type: 'vertical_slash', vertical: 100, slash: 200 }],
      calibration: [{ set: 'kv', seed: 0, samples: [{ tokens: 8192, sha256 }] }],
      device: 'cpu',
      kernel: { block_m: 64, block_n: 64, key_align: 16 },
      date: '2026-01-01T00:00:00.000Z',
    },
    layers: Array.from({ length: layers }, () => ({
      heads: Array.from({ length: heads }, () => ({ type: 'vertical_slash' as const, vertical: 100, slash: 200 })),
    })),
  };
}
