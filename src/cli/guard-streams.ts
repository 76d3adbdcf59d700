import { formatErrorText } from './format-error.js';

/**
 * Makes a closed or full stdout end the process instead of crashing it: quietly when the reader went away (`| head`),
 * with a message when the disk is full.
 */
export function guardStreams(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(formatErrorText(`cannot write the result to stdout: ${error.message}`, undefined, false));
    process.exit(1);
  });
  process.stderr.on('error', () => {
    // Nobody reads the progress any more; the work goes on.
  });
}
