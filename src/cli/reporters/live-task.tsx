import type { WriteStream } from 'node:tty';
import type { Instance } from 'ink';
import type { ProgressTask } from '../../utils/progress.js';
import type { Ink } from './load-ink.js';
import { describeFinished, describeStopped, newTaskState } from './task-state.js';

/** How often the screen follows changes; more would only cost CPU time that the model needs. */
const REDRAW_MS = 100;

export interface LiveTask extends ProgressTask {
  /** Prints a line above the bar. */
  note(line: string): void;
  /** Ends the task as interrupted or failed, unless it is over. */
  stop(): void;
}

/**
 * One task on the terminal. Ink takes a moment to load: the task starts at once, its screen appears when Ink is there,
 * and a task that is over before that leaves its lines without ever having had a screen.
 */
export function startLiveTask(
  loading: Promise<Ink>,
  task: { label: string; total: number; unit: string },
  stream: WriteStream,
): LiveTask {
  let state = newTaskState(task);
  let rows: readonly string[] = [];
  let end: { line: string; ok: boolean } | undefined;
  let screen: Instance | undefined;
  let timer: NodeJS.Timeout | undefined;
  let ink: Ink | undefined;

  const redraw = () => {
    clearTimeout(timer);
    timer = undefined;
    if (ink && screen) screen.rerender(<ink.TaskScreen state={state} rows={rows} end={end} />);
  };
  const redrawSoon = () => {
    timer ??= setTimeout(redraw, REDRAW_MS).unref();
  };
  const addRow = (line: string) => {
    rows = [...rows, line];
    redrawSoon();
  };
  const finish = (line: string, ok: boolean) => {
    end = { line, ok };
    redraw();
    if (screen) screen.unmount();
    else stream.write([...rows, line, ''].join('\n'));
  };

  const appear = (loaded: Ink) => {
    if (end) return;
    ink = loaded;
    screen = ink.render(<ink.TaskScreen state={state} rows={rows} end={end} />, {
      stdout: stream,
      stderr: stream,
      exitOnCtrlC: false,
      patchConsole: false,
    });
    return screen.waitUntilExit();
  };
  loading.then(appear).catch(() => {
    // Ink could not load or draw: the lines are printed when the task ends.
    screen = undefined;
  });

  return {
    update(done, detail) {
      if (end) return;
      state = { ...state, done, detail: detail ?? state.detail };
      redrawSoon();
    },
    row: (line) => (end ? undefined : addRow(line)),
    note: (line) => (end ? void stream.write(`${line}\n`) : addRow(line)),
    finish: (summary) => (end ? undefined : finish(describeFinished(state, performance.now(), summary), true)),
    stop: () => (end ? undefined : finish(describeStopped(state, performance.now()), false)),
  };
}
