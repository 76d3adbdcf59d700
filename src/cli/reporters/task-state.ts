import { formatClock, formatCount, formatQuantity } from '../../utils/format.js';

/** Before this share of a task is done, an estimate of the rest would be noise. */
const MIN_SHARE_FOR_ESTIMATE = 0.02;
const MIN_ELAPSED_FOR_ESTIMATE_MS = 1500;

/** A task in progress, as every renderer sees it. Times are milliseconds of `performance.now()`. */
export interface TaskState {
  label: string;
  unit: string;
  total: number;
  done: number;
  detail: string;
  startedAt: number;
}

export const newTaskState = (task: { label: string; total: number; unit: string }): TaskState => ({
  ...task,
  done: 0,
  detail: '',
  startedAt: performance.now(),
});

/** Share done, 0 to 1. */
export function shareDone(state: TaskState): number {
  return state.total > 0 ? Math.min(1, Math.max(0, state.done / state.total)) : 0;
}

/** Milliseconds left at the pace so far; undefined while that would be a guess. */
export function estimateRemaining(state: TaskState, now: number): number | undefined {
  const elapsed = now - state.startedAt;
  const share = shareDone(state);
  if (share < MIN_SHARE_FOR_ESTIMATE || share >= 1 || elapsed < MIN_ELAPSED_FOR_ESTIMATE_MS) return undefined;
  return (elapsed / share) * (1 - share);
}

/** '3/8 layers' */
export function describeSteps(state: TaskState): string {
  return `${formatCount(Math.floor(state.done))}/${formatQuantity(state.total, state.unit)}`;
}

/** '0:12, about 0:20 left' */
export function describeTime(state: TaskState, now: number): string {
  const remaining = estimateRemaining(state, now);
  const elapsed = formatClock(now - state.startedAt);
  return remaining === undefined ? elapsed : `${elapsed}, about ${formatClock(remaining)} left`;
}

/** The line that stays of a finished task. */
export function describeFinished(state: TaskState, now: number, summary?: string): string {
  return (
    summary ?? `${state.label}: ${formatQuantity(state.total, state.unit)} in ${formatClock(now - state.startedAt)}`
  );
}

/** The line that stays of a task that was interrupted or failed. */
export function describeStopped(state: TaskState, now: number): string {
  return `${state.label}: stopped at ${describeSteps(state)} after ${formatClock(now - state.startedAt)}`;
}
