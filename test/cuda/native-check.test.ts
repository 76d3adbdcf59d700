import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { locateNativeFiles } from '../../src/runtime/locate.js';
import { describeCuda } from './helpers/cuda.js';

/** Built with `npm run build:kernels`, beside the libraries, where there is nvcc. */
const program = join(dirname(locateNativeFiles().ops), 'minference_check');
const NO_PROGRAM = 'no minference_check: npm run build:kernels builds it where there is nvcc';
const sanitizer = ['compute-sanitizer', '/usr/local/cuda/bin/compute-sanitizer'];

async function findSanitizer(): Promise<string | undefined> {
  for (const path of sanitizer) {
    if ((await execa(path, ['--version'], { reject: false })).exitCode === 0) return path;
  }
  return undefined;
}

const ENVIRONMENT: Record<string, Record<string, string>> = {
  // It does not follow one lane that arrives at an mbarrier for its warp, after __syncwarp.
  racecheck: { MINFERENCE_EVERY_LANE_ARRIVES: '1' },
  // It is to see what nobody wrote.
  initcheck: { MINFERENCE_NO_POISON: '1' },
};

describeCuda('the kernels without ONNX Runtime', () => {
  test('equal the reference on the whole grid', async (context) => {
    if (!existsSync(program)) context.skip(NO_PROGRAM);
    const { stdout, exitCode } = await execa(program, [], { reject: false });
    expect(stdout.split('\n').filter((line) => line.startsWith('FAIL'))).toEqual([]);
    expect(stdout).toMatch(/(\d+) of \1 checks passed/);
    expect(exitCode).toBe(0);
  }, 600_000);

  test.for(['memcheck', 'racecheck', 'initcheck'])(
    'are clean under compute-sanitizer, %s',
    { timeout: 900_000 },
    async (tool, context) => {
      if (!existsSync(program)) context.skip(NO_PROGRAM);
      const command = await findSanitizer();
      if (command === undefined) return context.skip('no compute-sanitizer');
      const args = ['--tool', tool, '--error-exitcode', '9', '--print-limit', '5', program, '--small'];
      const env = ENVIRONMENT[tool] ?? {};
      const { stdout, exitCode } = await execa(command, args, { reject: false, env });
      const reports = stdout.split('\n').filter((line) => line.startsWith('========='));
      // Where it cannot watch the device (gVisor), it says so and finds nothing.
      if (/Device not supported/.test(stdout)) context.skip('compute-sanitizer refuses the device');
      expect(reports.slice(-40).join('\n')).toMatch(/ERROR SUMMARY: 0 errors|RACECHECK SUMMARY: 0 hazards/);
      expect(exitCode).toBe(0);
    },
  );
});
