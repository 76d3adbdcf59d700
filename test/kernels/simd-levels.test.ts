import { execa } from 'execa';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/utils/package-root.js';

// The instruction set is chosen once per process, so every level runs the comparison with the reference in its own.
test.each(['generic', 'avx2'])(
  'the %s kernels equal the reference',
  async (level) => {
    const result = await execa(
      'npx',
      ['vitest', 'run', '--project', 'cpu', 'test/kernels/optimized.test.ts', 'test/kernels/anomalies.test.ts'],
      {
        cwd: packageRoot(),
        env: { MINFERENCE_SIMD: level, NO_COLOR: '1' },
        reject: false,
      },
    );
    expect(result.stdout).toMatch(/Tests {2}\d+ passed/);
    expect(result.exitCode).toBe(0);
  },
  180_000,
);
