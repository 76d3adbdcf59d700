import { join } from 'node:path';
import { writeFileAtomic } from '../../utils/atomic-write.js';
import { lockOutput } from '../../utils/file-lock.js';
import { type Journal, type JournalFormat, openJournal } from '../../utils/journal.js';
import { claimFolder, formatResults, RESULTS_NAME } from '../harness/output.js';
import { predictionsName } from '../harness/shard.js';
import {
  headerOf,
  headerSchema,
  type LatencyResults,
  type LatencyRun,
  type LatencySetup,
  runSchema,
} from './results.js';

const FORMAT: JournalFormat<ReturnType<typeof headerOf>, LatencyRun> = {
  header: headerSchema,
  entry: runSchema,
  content: 'runs of eval latency',
  keyOf: ({ setup }) => setup.key,
  factsOf: ({ setup: { model, device, options, tool, text } }) => ({
    model: `${model.id} (${model.variant})`,
    fingerprint: model.fingerprint,
    text: text.name,
    chunk: options.chunk ?? 'auto',
    'dense fallback': options.allow_dense ? 'allowed' : 'off',
    version: tool,
    device: `${device.kind} (${device.cpu})`,
    threads: device.threads ?? 'auto',
  }),
};

/** The folder that results go to, claimed for this process. */
export interface LatencyOutput extends AsyncDisposable {
  /** Runs that are there already, and takes more; undefined: they are kept in memory. */
  open(setup: LatencySetup, resume: boolean): Promise<Journal<LatencyRun> | undefined>;
  /** Writes results and picture, each whole or not at all; the paths of all files. */
  write(results: LatencyResults, curves: string): Promise<string[]>;
}

/**
 * Claims a folder before any work is done.
 *
 * @throws {MinferenceError} USAGE when it holds something else; WRITE_FAILED, LOCKED
 */
export async function openLatencyOutput(folder: string | undefined): Promise<LatencyOutput> {
  if (folder === undefined) {
    return { open: async () => undefined, write: async () => [], [Symbol.asyncDispose]: async () => {} };
  }
  await claimFolder(folder);
  const path = join(folder, predictionsName());
  const lock = await lockOutput(path);
  let journal: Journal<LatencyRun> | undefined;
  return {
    async open(setup, resume) {
      journal = await openJournal(FORMAT, { path, header: headerOf(setup), resume });
      return journal;
    },
    async write({ rows, ...rest }, curves) {
      const [table, picture] = [join(folder, RESULTS_NAME), join(folder, 'curves.svg')];
      await writeFileAtomic(picture, curves);
      await writeFileAtomic(table, formatResults(rest, { rows }));
      return [table, path, picture];
    },
    async [Symbol.asyncDispose]() {
      await journal?.[Symbol.asyncDispose]();
      await lock[Symbol.asyncDispose]();
    },
  };
}
