import type { ProgressTask } from '../../utils/progress.js';
import type { Reporter } from './reporter.js';
import {
  describeFinished,
  describeSteps,
  describeStopped,
  describeTime,
  newTaskState,
  shareDone,
  type TaskState,
} from './task-state.js';

/** A line is printed when this much more is done, unless the task's rows show that already … */
const SHARE_STEP = 0.1;
/** … and this long after the last line. */
const INTERVAL_MS = 10_000;

function progressLine(state: TaskState, now: number): string {
  const percent = `${Math.floor(shareDone(state) * 100)} %`.padStart(5);
  const detail = state.detail === '' ? '' : `, ${state.detail}`;
  return `${state.label}: ${percent}, ${describeSteps(state)}${detail}, ${describeTime(state, now)}`;
}

function startTask(
  task: { label: string; total: number; unit: string },
  print: (line: string) => void,
): ProgressTask & { stop(): void } {
  const state = newTaskState(task);
  let printedShare = 0;
  let printedAt = state.startedAt;
  let hasRows = false;
  let over = false;
  const mark = (now: number) => {
    printedShare = shareDone(state);
    printedAt = now;
  };
  return {
    update(done, detail) {
      if (over) return;
      state.done = done;
      if (detail !== undefined) state.detail = detail;
      const now = performance.now();
      const share = shareDone(state);
      const due = now - printedAt >= INTERVAL_MS || (!hasRows && share - printedShare >= SHARE_STEP);
      // The end is the summary's line.
      if (!due || share >= 1) return;
      print(progressLine(state, now));
      mark(now);
    },
    row(line) {
      if (over) return;
      hasRows = true;
      print(line);
      mark(performance.now());
    },
    finish(summary) {
      if (over) return;
      over = true;
      print(describeFinished(state, performance.now(), summary));
    },
    stop() {
      if (over) return;
      over = true;
      print(describeStopped(state, performance.now()));
    },
  };
}

/** Progress as lines that never move: for pipes, log files, CI and dumb terminals. */
export function createPlainReporter(stream: NodeJS.WritableStream): Reporter {
  let hasPrinted = false;
  const print = (line: string) => {
    hasPrinted = true;
    stream.write(`${line}\n`);
  };
  let current: (ProgressTask & { stop(): void }) | undefined;
  return {
    get hasPrinted() {
      return hasPrinted;
    },
    start(task) {
      current?.stop();
      current = startTask(task, print);
      return current;
    },
    note: print,
    warn: (line) => print(`warning: ${line}`),
    close() {
      current?.stop();
      current = undefined;
    },
  };
}
