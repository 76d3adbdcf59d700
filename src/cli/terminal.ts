import { Chalk, type ChalkInstance, supportsColor, supportsColorStderr } from 'chalk';
import { readEnv } from '../utils/env.js';

/** Colours of one stream. https://no-color.org is honoured here because chalk leaves it to its users. */
function chalkFor(support: typeof supportsColor): ChalkInstance {
  return new Chalk({ level: readEnv('NO_COLOR') || !support ? 0 : support.level });
}

/** For what goes to stdout. */
export const stdoutStyle: ChalkInstance = chalkFor(supportsColor);

/** For what goes to stderr. */
export const stderrStyle: ChalkInstance = chalkFor(supportsColorStderr);

/** The last resort when a renderer could not clean up: shows the cursor and ends coloured text. */
export const RESTORE_TERMINAL = '\u001B[?25h\u001B[0m';
