import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cudaProblem } from '../../src/runtime/device.js';
import { sharedFolder } from '../utils/temporary-folder.js';
import { ensureBuilt } from './helpers/build.js';
import { runCli } from './helpers/run-cli.js';
import { tinyPatterns, writeTinyModel } from './helpers/tiny-models.js';

const problem = cudaProblem();

describe('auto without a usable GPU', () => {
  beforeEach(({ skip }) => {
    if (problem === null) skip('there is a usable GPU here');
  });

  const folder = sharedFolder();
  let model = '';
  beforeAll(async () => {
    await ensureBuilt();
    model = await writeTinyModel(folder);
    writeFileSync(join(folder, 'patterns.json'), tinyPatterns());
  });

  const commands: [string, string[]][] = [
    ['prefill', ['prefill', '--prompt', 'a b c', '--max-new-tokens', '2']],
    ['prefill --compare', ['prefill', '--prompt', 'a b c', '--max-new-tokens', '2', '--compare', 'dense']],
    ['search', ['search', '--length', '512', '--budget', '50%']],
    ['eval niah', ['eval', 'niah', '--lengths', '1k', '--depths', '1', '--tasks', 'single', '--methods', 'dense']],
  ];

  it.each(commands)('%s says once why the CPU is used, and tells it in --json', async (name, args) => {
    const own = name === 'prefill --compare' ? ['--patterns', join(folder, 'patterns.json')] : [];
    const out = args[0] === 'prefill' ? [] : ['--out', join(folder, `out-${args[0]}`)];
    const { stdout, stderr, exitCode } = await runCli([...args, ...own, ...out, '--model', model, '--json']);
    expect(exitCode).toBe(0);
    expect(stderr.split('\n').filter((line) => line.startsWith('running on the CPU: '))).toEqual([
      `running on the CPU: ${problem!.message}`,
    ]);
    expect(JSON.parse(stdout).device).toMatchObject({ kind: 'cpu', id: null, reason: problem!.message });
  });

  it('says nothing where the CPU was asked for', async () => {
    const args = [
      'prefill',
      '--prompt',
      'a b c',
      '--max-new-tokens',
      '2',
      '--device',
      'cpu',
      '--json',
      '--model',
      model,
    ];
    const { stdout, stderr } = await runCli(args);
    expect(stderr).not.toContain('running on the CPU');
    expect(JSON.parse(stdout).device).toMatchObject({ kind: 'cpu', reason: null });
  });

  it('--device-id asks for CUDA', async () => {
    const args = ['prefill', '--prompt', 'a', '--model', model, '--device-id', '1'];
    const named = await runCli(args);
    expect(named.exitCode).toBe(1);
    expect(named.stderr).toContain(`expected a usable CUDA device, found: ${problem!.message}`);
    const contradiction = await runCli([...args, '--device', 'cpu']);
    expect(contradiction.exitCode).toBe(2);
    const odd = await runCli([...args.slice(0, -1), 'one']);
    expect(odd.exitCode).toBe(2);
    expect(odd.stderr).toContain('expected the number of a CUDA device');
  });

  it('a device is timed at its first use, which inspect shows', async () => {
    const env = { MINFERENCE_COSTS: '', XDG_CACHE_HOME: join(folder, 'cache') };
    expect((await runCli(['inspect'], { env })).stdout).toMatch(/crossover +not measured yet/);
    const args = ['prefill', '--prompt', 'a b c', '--max-new-tokens', '2', '--model', model];
    expect((await runCli(args, { env })).stderr).toMatch(
      /timed attention on this processor: sparse from [\d,]+ tokens/,
    );
    expect((await runCli(args, { env })).stderr).not.toContain('timed attention');
    expect((await runCli(['inspect'], { env })).stdout).toMatch(/crossover +sparse from [\d,]+ tokens on/);
    const { native } = JSON.parse((await runCli(['inspect', '--json'], { env })).stdout);
    expect(native.costs.cpu).toMatchObject({ key: { device: 'cpu' }, costs: { sparse_tile: expect.any(Number) } });
  });
});
