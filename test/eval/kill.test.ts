import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { readPredictions } from '../../src/eval/harness/predictions.js';
import { readResults } from '../../src/eval/harness/read-results.js';
import { ensureBuilt } from '../cli/helpers/build.js';
import { start } from '../cli/helpers/run-cli.js';
import { temporaryFolder } from '../utils/temporary-folder.js';

const FIXTURE = fileURLToPath(new URL('fixtures/slow-evaluation.mjs', import.meta.url));
const TOTAL = 72;

beforeAll(ensureBuilt);

function launch(folder: string, pause: number) {
  const haystack = join(folder, 'haystack.txt');
  writeFileSync(haystack, 'A sentence with nothing in it. '.repeat(300));
  return start(process.execPath, [FIXTURE, join(folder, 'results'), haystack, String(pause)]);
}

const predictionsOf = (folder: string) => join(folder, 'results', 'predictions.jsonl');
const linesOf = (folder: string) =>
  existsSync(predictionsOf(folder)) ? readFileSync(predictionsOf(folder), 'utf8').split('\n').length - 1 : 0;

it('loses nothing when its process is killed, and answers only what is missing afterwards', async () => {
  const folder = temporaryFolder();
  const killed = launch(folder, 40);
  // A line for the header and one per answer.
  while (linesOf(folder) < 12) await sleep(10);
  killed.kill('SIGKILL');
  expect((await killed.result).signal).toBe('SIGKILL');
  const kept = linesOf(folder) - 1;
  expect(kept).toBeGreaterThanOrEqual(11);
  expect(kept).toBeLessThan(TOTAL);
  expect(existsSync(join(folder, 'results', 'results.json'))).toBe(false);

  const { stdout, exitCode } = await launch(folder, 1).result;
  expect(exitCode).toBe(0);
  expect(stdout).toBe(`answers ${TOTAL - kept} resumed ${kept}\n`);

  const uninterrupted = temporaryFolder();
  await launch(uninterrupted, 1).result;
  const { cells } = await readResults(join(folder, 'results'));
  const whole = await readResults(join(uninterrupted, 'results'));
  const answers = async (folder: string) =>
    (await readPredictions(predictionsOf(folder))).records
      .map(({ prompt, answer }) => JSON.stringify([prompt, answer?.method, answer?.prediction]))
      .sort();
  expect(await answers(folder)).toEqual(await answers(uninterrupted));
  expect(cells).toEqual(whole.cells);
}, 180_000);

it('lets no second process write the same results', async () => {
  const folder = temporaryFolder();
  const first = launch(folder, 40);
  while (linesOf(folder) < 2) await sleep(10);
  const second = await launch(folder, 1).result;
  expect(second.exitCode).not.toBe(0);
  expect(second.stderr).toContain('LOCKED');
  first.kill('SIGKILL');
  await first.result;
}, 180_000);
