import type { WriteStream } from 'node:tty';
import { onProcessEnd } from '../../utils/exit-cleanup.js';
import { RESTORE_TERMINAL, stderrStyle } from '../terminal.js';
import { type LiveTask, startLiveTask } from './live-task.js';
import { loadInk } from './load-ink.js';
import type { Reporter } from './reporter.js';

/**
 * Live progress on a terminal. Each task owns the last lines of the screen from its start to its end; between tasks
 * the terminal is untouched. Every way out, a crash and a second Ctrl-C included, gives the cursor back.
 */
export function createInkReporter(stream: WriteStream): Reporter {
  const loading = loadInk();
  let current: LiveTask | undefined;
  let hasPrinted = false;
  const print = (line: string) => {
    hasPrinted = true;
    if (current) current.note(line);
    else stream.write(`${line}\n`);
  };
  const close = () => {
    current?.stop();
    current = undefined;
  };
  const forget = onProcessEnd(() => {
    close();
    stream.write(RESTORE_TERMINAL);
  });
  return {
    get hasPrinted() {
      return hasPrinted;
    },
    start(task) {
      hasPrinted = true;
      close();
      current = startLiveTask(loading, task, stream);
      return current;
    },
    note: print,
    warn: (line) => print(`${stderrStyle.yellow('warning:')} ${line}`),
    close() {
      close();
      forget();
    },
  };
}
