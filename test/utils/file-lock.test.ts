import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lockOutput } from '../../src/utils/file-lock.js';
import { LOCK_PACE } from '../../src/utils/lock-holder.js';
import { ownIdentity, processState } from '../../src/utils/process-identity.js';
import { temporaryFolder } from './temporary-folder.js';

/** Nothing here takes longer than a moment; what is old is watched for 50 ms. */
const PACE = { ...LOCK_PACE, watch: 50 };

/** The pid of a process that has ended. */
const deadPid = () => spawnSync('true').pid;

function lockFile(path: string, holder: Record<string, unknown>): void {
  writeFileSync(`${path}.lock`, JSON.stringify({ ...ownIdentity(), since: '2026-01-01T00:00:00Z', ...holder }));
}

describe('lockOutput', () => {
  it('keeps a second run out and says who holds it', async () => {
    const path = join(temporaryFolder(), 'patterns.json');
    const lock = await lockOutput(path);
    await expect(lockOutput(path)).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringContaining(`process ${process.pid} on ${hostname()}, since 20`),
      hint: /--out/,
    });
    await lock.release();
    await (await lockOutput(path)).release();
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it('sees one file behind two names', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    symlinkSync('file', join(folder, 'link'));
    await using _lock = await lockOutput(join(folder, 'file'));
    await expect(lockOutput(join(folder, 'link'))).rejects.toMatchObject({ code: 'LOCKED' });
  });

  it.each([
    ['of a process that ended', () => ({ pid: deadPid(), startTicks: 1 })],
    ['of a process whose pid was given to another', () => ({ startTicks: 1 })],
  ])('takes over a lock %s', async (_name, holder) => {
    const path = join(temporaryFolder(), 'out');
    lockFile(path, holder());
    await using lock = await lockOutput(path);
    expect(JSON.parse(readFileSync(lock.path, 'utf8'))).toMatchObject(ownIdentity());
    expect(readdirSync(join(path, '..'))).toEqual(['out.lock']);
  });

  describe.each([
    ['another machine', { host: 'elsewhere' }],
    ['another machine of the same name, or an earlier boot', { bootId: '00000000-0000-0000-0000-000000000000' }],
    ['another container of the same name', { pidNamespace: 'pid:[1]' }],
  ])('of %s', (_name, holder) => {
    // The pid means nothing here, neither that it is in use nor that it is not.
    it.each([
      ['in use', () => process.pid],
      ['not in use', deadPid],
    ])('a lock that is fresh is held, its pid being %s here', async (_, pid) => {
      const path = join(temporaryFolder(), 'out');
      lockFile(path, { ...holder, pid: pid() });
      const hint = expect.stringContaining(`or remove ${path}.lock`);
      await expect(lockOutput(path, PACE)).rejects.toMatchObject({ code: 'LOCKED', hint });
    });

    it('a lock that is renewed is held, whatever its time says', async () => {
      const path = join(temporaryFolder(), 'out');
      lockFile(path, holder);
      let second = 0;
      const renew = () => utimesSync(`${path}.lock`, ++second, second);
      renew();
      const renewal = setInterval(renew, 5);
      onTestFinished(() => clearInterval(renewal));
      await expect(lockOutput(path, PACE)).rejects.toMatchObject({ code: 'LOCKED' });
      expect(existsSync(`${path}.lock`)).toBe(true);
    });

    it.each([
      ['the past', new Date(1)],
      ['the future of a clock that is wrong', new Date('2100-01-01')],
    ])('a lock that is not renewed is taken over, its time being in %s', async (_, time) => {
      const path = join(temporaryFolder(), 'out');
      lockFile(path, holder);
      writeFileSync(`${path}.lock.takeover`, readFileSync(`${path}.lock`));
      for (const file of [`${path}.lock`, `${path}.lock.takeover`]) utimesSync(file, time, time);
      await using lock = await lockOutput(path, PACE);
      expect(JSON.parse(readFileSync(lock.path, 'utf8'))).toMatchObject(ownIdentity());
      expect(readdirSync(join(path, '..'))).toEqual(['out.lock']);
    });
  });

  it('renews its own lock, and never one that another made in its place', async () => {
    const path = join(temporaryFolder(), 'out');
    await using lock = await lockOutput(path, { ...PACE, renew: 5 });
    const time = () => statSync(lock.path).mtimeMs;
    utimesSync(lock.path, 1, 1);
    await expect.poll(time).toBeGreaterThan(1000);
    unlinkSync(lock.path);
    lockFile(path, { host: 'elsewhere' });
    utimesSync(lock.path, 1, 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(time()).toBe(1000);
  });

  it('a lock of a live process in a container of the same name is held', async (context) => {
    const path = join(temporaryFolder(), 'out');
    const isolated = ['--user', '--map-root-user', '--pid', '--fork', '--mount-proc'];
    if (spawnSync('unshare', [...isolated, 'true']).status !== 0) context.skip('namespaces may not be made here');
    const script = 'readlink /proc/self/ns/pid; cat /proc/$$/stat; exec sleep 60';
    const container = spawn('unshare', [...isolated, '--kill-child', 'sh', '-c', script]);
    onTestFinished(() => void container.kill('SIGKILL'));
    let told = '';
    for await (const piece of container.stdout.setEncoding('utf8')) {
      told += piece;
      if (told.split('\n').length > 2) break;
    }
    const [pidNamespace, stat] = told.split('\n');
    // What the process in there says of itself: it is number 1, as another process out here.
    const own = { pid: 1, startTicks: Number(stat!.split(' ')[21]), pidNamespace };
    expect(parseInt(stat!, 10)).toBe(1);
    lockFile(path, own);
    await expect(lockOutput(path, PACE)).rejects.toMatchObject({ code: 'LOCKED', hint: /another container/ });
  });

  it('takes over an unreadable lock once it is old, also behind an abandoned take-over', async () => {
    const path = join(temporaryFolder(), 'out');
    for (const file of [`${path}.lock`, `${path}.lock.takeover`]) {
      writeFileSync(file, '{"pid":');
      utimesSync(file, 1, 1);
    }
    await (await lockOutput(path)).release();
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  it('lets exactly one of many take over a stale lock', async () => {
    const path = join(temporaryFolder(), 'out');
    lockFile(path, { pid: deadPid(), startTicks: 1 });
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockOutput(path)));
    const won = results.filter((result) => result.status === 'fulfilled');
    expect(won).toHaveLength(1);
    await won[0]!.value.release();
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  it('locks no devices and reports a folder that does not exist', async () => {
    await (await lockOutput('/dev/null')).release();
    expect(existsSync('/dev/null.lock')).toBe(false);
    await expect(lockOutput('/nowhere/out')).rejects.toMatchObject({
      code: 'WRITE_FAILED',
      hint: /mkdir -p \/nowhere/,
    });
  });

  it('leaves the lock of a process that took over after a mistake alone', async () => {
    const path = join(temporaryFolder(), 'out');
    const lock = await lockOutput(path);
    lockFile(path, { host: 'elsewhere' });
    await lock.release();
    expect(existsSync(`${path}.lock`)).toBe(true);
  });
});

it('processState tells live from dead', () => {
  expect(processState(ownIdentity())).toBe('alive');
  expect(processState({ ...ownIdentity(), pid: deadPid(), startTicks: null })).toBe('dead');
  expect(processState({ ...ownIdentity(), host: 'elsewhere' })).toBe('unknown');
});
