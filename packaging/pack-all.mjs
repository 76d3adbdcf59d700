// `npm run pack:all`: makes dist-packages/*.tgz, what a release consists of. README.md says what is in them.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stageMain } from './stage-main.mjs';
import { PLATFORMS, stagePlatform } from './stage-platform.mjs';
import { capture, root, run } from './tools.mjs';

const out = join(root, 'dist-packages');

/** The CUDA package is made where it can be: it needs nvcc, no GPU. */
const platforms = PLATFORMS.filter(({ cuda }) => {
  if (!cuda || process.env.MINFERENCE_CUDA === 'on') return true;
  if (process.env.MINFERENCE_CUDA !== 'off' && capture(process.env.CUDACXX || 'nvcc', ['--version']) !== null)
    return true;
  console.error('pack:all: without nvcc (or with MINFERENCE_CUDA=off) no package for CUDA');
  return false;
});

rmSync(out, { recursive: true, force: true });
mkdirSync(out);
const stage = mkdtempSync(join(out, 'stage-'));
try {
  const folders = platforms.map((platform) => stagePlatform(platform, join(stage, platform.suffix)));
  folders.unshift(stageMain(join(stage, 'minference'), platforms));
  for (const folder of folders) run('npm', ['pack', folder, '--pack-destination', out, '--loglevel', 'error']);
} finally {
  rmSync(stage, { recursive: true, force: true });
}
