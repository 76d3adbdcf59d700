import type { ProgressReporter } from '../../utils/progress.js';

/** A {@link ProgressReporter} with a lifetime: it may own the last lines of a terminal. */
export interface Reporter extends ProgressReporter {
  /** Whether anything was printed so far. */
  readonly hasPrinted: boolean;
  /** Ends a task in progress and gives the terminal back. May be called more than once. */
  close(): void;
}
