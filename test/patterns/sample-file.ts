import type { PatternFile } from '../../src/patterns/pattern-file.js';

/** A small valid pattern file with every kind of head. */
export function sampleFile(): PatternFile {
  return {
    schema: 'minference.patterns/1',
    model: { id: 'tiny', fingerprint: 'sha256:abc', num_layers: 2, num_heads: 4, num_kv_heads: 2, head_dim: 16 },
    search: {
      tool: 'minference 0.0.0',
      objective: 'answer',
      budget: { spec: '20%', flops: 1e9, fraction: 0.2 },
      length: 1024,
      candidates: [{ type: 'vertical_slash', vertical: 30, slash: 100, fit: 'slash' }],
      calibration: [{ set: 'kv', seed: 0, samples: [{ tokens: 1024, sha256: 'a'.repeat(64) }] }],
      device: 'cpu',
      kernel: { block_m: 64, block_n: 64, key_align: 1 },
      date: '2026-11-01T12:00:00.000Z',
    },
    layers: [
      {
        heads: [
          {
            type: 'vertical_slash',
            vertical: 1000,
            slash: 6096,
            recall: 0.97,
            error: 0.08,
            answer_error: 0.02,
            flops: 9e8,
            fraction: 0.18,
          },
          {
            type: 'a_shape',
            sink: 64,
            window: 512,
            recall: 0.5,
            error: 0.4,
            answer_error: 0.9,
            flops: 8e8,
            fraction: 0.16,
          },
          { type: 'block_sparse', blocks: 10 },
          { type: 'dense' },
        ],
      },
      {
        heads: [
          { type: 'vertical_slash', vertical: 0, slash: 0 },
          { type: 'a_shape', sink: 0, window: 1 },
          { type: 'block_sparse', blocks: 0 },
          { type: 'dense', recall: 1, error: 0 },
        ],
      },
    ],
  };
}
