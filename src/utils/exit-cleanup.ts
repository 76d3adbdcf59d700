/** Work to do when the process ends, whichever way it ends: temporary files, locks, the terminal. Synchronous only. */
const pending = new Set<() => void>();
let installed = false;

function runAll(): void {
  for (const cleanup of [...pending]) {
    pending.delete(cleanup);
    try {
      cleanup();
    } catch {
      // The process is ending; one failed clean-up must not keep the others from running.
    }
  }
}

/** Registers `cleanup` for the end of the process and returns how to take it back. */
export function onProcessEnd(cleanup: () => void): () => void {
  if (!installed) {
    installed = true;
    process.on('exit', runAll);
  }
  pending.add(cleanup);
  return () => pending.delete(cleanup);
}

/** Runs everything registered, once: for endings that skip the 'exit' event, such as a signal's default action. */
export function runExitCleanups(): void {
  runAll();
}
