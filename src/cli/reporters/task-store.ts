import { newTaskState, type TaskState } from './task-state.js';

/** How often a screen is told about changes; more would only cost CPU time that the model needs. */
const NOTIFY_MS = 100;

export interface TaskSnapshot {
  readonly state: TaskState;
  /** Lines above the bar, oldest first; only ever grows. */
  readonly rows: readonly string[];
  /** The line that replaces the bar once the task is over. */
  readonly end: { readonly line: string; readonly ok: boolean } | undefined;
}

/** A task's state for React's useSyncExternalStore: immutable snapshots, throttled notifications. */
export function createTaskStore(task: { label: string; total: number; unit: string }) {
  let snapshot: TaskSnapshot = { state: newTaskState(task), rows: [], end: undefined };
  const listeners = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;
  const notify = () => {
    clearTimeout(timer);
    timer = undefined;
    for (const listener of listeners) listener();
  };
  return {
    getSnapshot: () => snapshot,
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    update(done: number, detail: string | undefined) {
      snapshot = { ...snapshot, state: { ...snapshot.state, done, detail: detail ?? snapshot.state.detail } };
      timer ??= setTimeout(notify, NOTIFY_MS).unref();
    },
    addRow(line: string) {
      snapshot = { ...snapshot, rows: [...snapshot.rows, line] };
      notify();
    },
    end(line: string, ok: boolean) {
      snapshot = { ...snapshot, end: { line, ok } };
      notify();
    },
  };
}

export type TaskStore = ReturnType<typeof createTaskStore>;
