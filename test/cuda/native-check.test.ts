import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { locateNativeFiles } from '../../src/runtime/locate.js';
import { describeCuda } from './helpers/cuda.js';

/** Built with `npm run build:kernels`, beside the libraries, where there is nvcc. */
const program = join(dirname(locateNativeFiles().ops), 'minference_check');

describeCuda('the kernels without ONNX Runtime', () => {
  test.skipIf(!existsSync(program))(
    'equal the reference on the whole grid',
    async () => {
      const { stdout, exitCode } = await execa(program, [], { reject: false });
      expect(stdout.split('\n').filter((line) => line.startsWith('FAIL'))).toEqual([]);
      expect(stdout).toMatch(/(\d+) of \1 checks passed/);
      expect(exitCode).toBe(0);
    },
    600_000,
  );
});
