import isInCi from 'is-in-ci';
import { readEnv, setEnvDefault } from '../../utils/env.js';
import { silentProgress } from '../../utils/progress.js';
import type { Reporter } from './reporter.js';

type ReporterKind = 'ink' | 'plain' | 'silent';

/**
 * Ink only where a person watches: stderr is a terminal that can move its cursor, outside CI, and no program reads the
 * result. Ink itself would write cursor movements into pipes.
 */
function chooseReporter(options: { json: boolean; quiet: boolean }): ReporterKind {
  if (options.quiet) return 'silent';
  const live = process.stderr.isTTY && !isInCi && readEnv('TERM') !== 'dumb' && !options.json;
  return live ? 'ink' : 'plain';
}

export async function createReporter(options: { json: boolean; quiet: boolean }): Promise<Reporter> {
  switch (chooseReporter(options)) {
    case 'silent':
      return { ...silentProgress, hasPrinted: false, close() {} };
    case 'plain':
      return (await import('./plain-reporter.js')).createPlainReporter(process.stderr);
    case 'ink':
      // Without it React picks its slower development build, at the first import of any of its modules.
      setEnvDefault('NODE_ENV', 'production');
      return (await import('./ink-reporter.js')).createInkReporter(process.stderr);
  }
}
