import type { WriteStream } from 'node:tty';
import chalk from 'chalk';
import type { Instance } from 'ink';
import { onProcessEnd } from '../../utils/exit-cleanup.js';
import type { ProgressTask } from '../../utils/progress.js';
import { RESTORE_TERMINAL, stderrStyle } from '../terminal.js';
import type { Reporter } from './reporter.js';
import { describeFinished, describeStopped } from './task-state.js';
import { createTaskStore, type TaskStore } from './task-store.js';

/** React's development build is slower and would be picked without this. Must run before ink is imported. */
async function loadInk() {
  process.env.NODE_ENV ??= 'production';
  const [ink, { TaskScreen }] = await Promise.all([import('ink'), import('../components/TaskScreen.js')]);
  // Ink colours through chalk's default instance, which looks at stdout; the screen is on stderr.
  chalk.level = stderrStyle.level;
  return { render: ink.render, TaskScreen };
}

type Ink = Awaited<ReturnType<typeof loadInk>>;

function mount(ink: Ink, store: TaskStore, stream: WriteStream): Instance {
  return ink.render(<ink.TaskScreen store={store} />, {
    stdout: stream,
    stderr: stream,
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps: 10,
  });
}

interface LiveTask extends ProgressTask {
  /** Prints a line above the bar. */
  note(line: string): void;
  stop(): void;
}

/** Ink takes a moment to load: the task starts at once, its screen appears when Ink is there. */
function startTask(
  loading: Promise<Ink>,
  task: { label: string; total: number; unit: string },
  stream: WriteStream,
): LiveTask {
  const store = createTaskStore(task);
  let screen: Instance | undefined;
  let over = false;
  const mounted = loading.then((ink) => {
    if (!over) screen = mount(ink, store, stream);
  });
  mounted.catch(() => {
    // Without a screen the lines are printed when the task ends.
  });
  const end = (line: string, ok: boolean) => {
    over = true;
    store.end(line, ok);
    if (screen) screen.unmount();
    else stream.write([...store.getSnapshot().rows, line, ''].join('\n'));
  };
  const state = () => store.getSnapshot().state;
  return {
    update: (done, detail) => (over ? undefined : store.update(done, detail)),
    row: (line) => (over ? undefined : store.addRow(line)),
    note: (line) => (over ? void stream.write(`${line}\n`) : store.addRow(line)),
    finish: (summary) => (over ? undefined : end(describeFinished(state(), performance.now(), summary), true)),
    stop: () => (over ? undefined : end(describeStopped(state(), performance.now()), false)),
  };
}

/**
 * Live progress on a terminal. Each task owns the last lines of the screen from its start to its end; between tasks
 * the terminal is untouched. Every way out, a crash and a second Ctrl-C included, gives the cursor back.
 */
export function createInkReporter(stream: WriteStream): Reporter {
  const loading = loadInk();
  let current: LiveTask | undefined;
  const print = (line: string) => (current ? current.note(line) : void stream.write(`${line}\n`));
  const close = () => {
    current?.stop();
    current = undefined;
  };
  const forget = onProcessEnd(() => {
    close();
    stream.write(RESTORE_TERMINAL);
  });
  return {
    start(task) {
      close();
      current = startTask(loading, task, stream);
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
