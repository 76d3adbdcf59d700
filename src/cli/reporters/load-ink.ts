import chalk from 'chalk';
import { stderrStyle } from '../terminal.js';

/** Ink and our screen. */
export async function loadInk() {
  const [{ render }, { TaskScreen }] = await Promise.all([import('ink'), import('../components/TaskScreen.js')]);
  // Ink colours through chalk's default instance, which looks at stdout; the screen is on stderr.
  chalk.level = stderrStyle.level;
  return { render, TaskScreen };
}

export type Ink = Awaited<ReturnType<typeof loadInk>>;
