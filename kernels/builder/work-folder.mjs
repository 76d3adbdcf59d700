// CMake's folder is kept, so that only what changed is compiled again. One build at a time works in it; what a build that
// did not come to its end has left there is thrown away, as an object file may be half written.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporary } from './paths.mjs';
import { interruption } from './processes.mjs';

const POLL_MS = 200;

/**
 * Calls `work` with CMake's folder of that name.
 *
 * @param {string} settings - what the folder depends on: another compiler or generator starts afresh
 */
export async function withWorkFolder(name, settings, { fresh }, work) {
  const folder = join(temporary, name);
  const lock = `${folder}.lock`;
  mkdirSync(temporary, { recursive: true });
  const clean = await acquire(lock);
  let finished = false;
  try {
    const note = join(folder, 'settings.json');
    const same = existsSync(note) && readFileSync(note, 'utf8') === settings;
    if (fresh || !clean || !same) rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(note, settings);
    const result = await work(folder);
    finished = true;
    return result;
  } finally {
    // A compiler's error leaves whole object files; an interruption need not.
    if (!finished && interruption.signal.aborted) rmSync(folder, { recursive: true, force: true });
    rmSync(lock, { force: true });
  }
}

/** Waits for a build under way. False when the last one in the folder was killed. */
async function acquire(lock) {
  let told = false;
  for (let clean = true; ; ) {
    try {
      writeFileSync(lock, identityOf(process.pid), { flag: 'wx' });
      return clean;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = readLock(lock);
    const pid = Number(holder.split(' ')[0]);
    if (holder !== '' && identityOf(pid) !== holder) {
      clean = false;
      rmSync(lock, { force: true });
      continue;
    }
    if (!told) console.error(`native part: waiting for another build${pid ? ` (process ${pid})` : ''} …`);
    told = true;
    await sleep(POLL_MS, undefined, { signal: interruption.signal });
  }
}

function readLock(lock) {
  try {
    return readFileSync(lock, 'utf8');
  } catch {
    return '';
  }
}

/** Process id and start time: ids are used again. Only the id when there is no such process. */
function identityOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; the start time is the 20th field behind it.
    return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return `${pid}`;
  }
}
