import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockOutput } from '../../src/utils/file-lock.js';
import { ownIdentity, processState } from '../../src/utils/process-identity.js';
import { temporaryFolder } from './temporary-folder.js';

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
    ['of an earlier boot', () => ({ bootId: '00000000-0000-0000-0000-000000000000' })],
  ])('takes over a lock %s', async (_name, holder) => {
    const path = join(temporaryFolder(), 'out');
    lockFile(path, holder());
    await using lock = await lockOutput(path);
    expect(JSON.parse(readFileSync(lock.path, 'utf8'))).toMatchObject(ownIdentity());
    expect(readdirSync(join(path, '..'))).toEqual(['out.lock']);
  });

  it('cannot judge another machine and says what to do', async () => {
    const path = join(temporaryFolder(), 'out');
    lockFile(path, { host: 'elsewhere', pid: deadPid() });
    await expect(lockOutput(path)).rejects.toMatchObject({
      code: 'LOCKED',
      hint: expect.stringContaining(`${path}.lock`),
    });
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
