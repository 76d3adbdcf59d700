/** What long work tells whoever watches it. The CLI draws it with Ink or as plain lines; libraries pass nothing. */
export interface ProgressReporter {
  /** Starts a task of `total` steps; only one task runs at a time. */
  start(task: { label: string; total: number; unit: string }): ProgressTask;
  /** One line that stays: a fact worth reading, not a step. */
  note(line: string): void;
  /** One line that stays and deserves attention. */
  warn(line: string): void;
}

export interface ProgressTask {
  /** `done` steps out of `total` are finished (may be fractional); `detail` replaces the text behind the bar. */
  update(done: number, detail?: string): void;
  /** A finished item's line (a layer searched, a cell evaluated): stays above the bar. */
  row(line: string): void;
  /** The task is over; `summary` replaces the bar. */
  finish(summary?: string): void;
}

const silentTask: ProgressTask = { update() {}, row() {}, finish() {} };

/** Reports nothing: the default of every library function. */
export const silentProgress: ProgressReporter = { start: () => silentTask, note() {}, warn() {} };
