import { defineConfig } from 'vitest/config';

// The native addon and ONNX Runtime are process-wide singletons, hence forks. Two projects: `cpu` runs everywhere,
// `cuda` says "skipped: no device" where there is none.
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What is dense must not depend on how busy the machine was when it was measured.
    env: { MINFERENCE_COSTS: 'default' },
    projects: [
      { extends: true, test: { name: 'cpu', include: ['test/**/*.test.{ts,tsx}'], exclude: ['test/cuda/**'] } },
      { extends: true, test: { name: 'cuda', include: ['test/cuda/**/*.test.ts'], maxWorkers: 1 } },
    ],
  },
});
