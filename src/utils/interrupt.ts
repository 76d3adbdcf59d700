import { MinferenceError } from '../errors.js';
import { runExitCleanups } from './exit-cleanup.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type InterruptSignal = (typeof SIGNALS)[number];

/** 128 + the signal's number, as shells report it. */
export const SIGNAL_EXIT_CODE: Record<InterruptSignal, number> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

export interface Interrupt extends Disposable {
  /** Aborts at the first signal; its reason is a {@link MinferenceError} with code ABORTED. */
  readonly signal: AbortSignal;
  /** The signal that came, if one did. */
  readonly received: InterruptSignal | undefined;
}

/**
 * Ends the process by the signal's default action. `process.exit` would wait for native work on libuv's threads, which
 * can take minutes; the user who presses Ctrl-C twice means now.
 */
function endAtOnce(name: InterruptSignal): void {
  runExitCleanups();
  for (const other of SIGNALS) process.removeAllListeners(other);
  process.kill(process.pid, name);
  // Only reached where the default action is blocked, such as for process 1 of a container.
  setTimeout(() => process.exit(SIGNAL_EXIT_CODE[name]), 100);
}

/**
 * Turns Ctrl-C (and SIGTERM, SIGHUP) into an AbortSignal; a second one ends the process at once.
 *
 * @param options.onFirst called at the first signal, before the abort; tell the user what happens now.
 * @param options.hint what the user can do afterwards, for the error's hint.
 */
export function watchInterrupts(options: { onFirst?: (name: InterruptSignal) => void; hint?: string } = {}): Interrupt {
  const controller = new AbortController();
  let received: InterruptSignal | undefined;
  const onSignal = (name: InterruptSignal) => {
    if (received) return endAtOnce(name);
    received = name;
    options.onFirst?.(name);
    const hint = options.hint === undefined ? {} : { hint: options.hint };
    controller.abort(new MinferenceError('ABORTED', name === 'SIGINT' ? 'interrupted' : `stopped by ${name}`, hint));
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    get received() {
      return received;
    },
    [Symbol.dispose]() {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
