import { join } from 'node:path';
import { writeFileAtomic } from '../../utils/atomic-write.js';
import { lockOutput } from '../../utils/file-lock.js';
import { type Journal, type JournalFormat, openJournal, writeJournal } from '../../utils/journal.js';
import { claimFolder, formatResults, RESULTS_NAME } from '../harness/output.js';
import { predictionsName } from '../harness/shard.js';
import { headerOf, headerSchema, type PplRecord, type PplResults, type PplSetup, recordSchema } from './results.js';

const FORMAT: JournalFormat<ReturnType<typeof headerOf>, PplRecord> = {
  header: headerSchema,
  entry: recordSchema,
  content: 'predictions of eval ppl',
  keyOf: ({ setup }) => setup.key,
  factsOf: ({ setup: { model, device, options, tool } }) => ({
    model: `${model.id} (${model.variant})`,
    fingerprint: model.fingerprint,
    window: options.window,
    stride: options.stride,
    chunk: options.chunk ?? 'auto',
    'dense fallback': options.allow_dense ? 'allowed' : 'off',
    version: tool,
    device: `${device.kind} (${device.cpu})`,
    threads: device.threads ?? 'auto',
  }),
};

/** The folder that results go to, claimed for this process. */
export interface PplOutput extends AsyncDisposable {
  /** What is there already, and takes more; undefined: it is kept in memory. */
  open(setup: PplSetup, resume: boolean): Promise<Journal<PplRecord> | undefined>;
  /** Writes everything, each file whole or not at all; the paths. */
  write(results: PplResults, parts: { setup: PplSetup; records: PplRecord[]; curves: string }): Promise<string[]>;
}

/**
 * Claims a folder before any work is done.
 *
 * @throws {MinferenceError} USAGE when it holds something else; WRITE_FAILED, LOCKED
 */
export async function openPplOutput(folder: string | undefined): Promise<PplOutput> {
  if (folder === undefined) {
    return { open: async () => undefined, write: async () => [], [Symbol.asyncDispose]: async () => {} };
  }
  await claimFolder(folder);
  const path = join(folder, predictionsName());
  const lock = await lockOutput(path);
  let journal: Journal<PplRecord> | undefined;
  return {
    async open(setup, resume) {
      journal = await openJournal(FORMAT, { path, header: headerOf(setup), resume });
      return journal;
    },
    async write(results, { setup, records, curves }) {
      const [table, picture] = [join(folder, RESULTS_NAME), join(folder, 'curves.svg')];
      await writeJournal(path, { header: headerOf(setup), entries: records });
      // The picture first: when the results are there, everything is.
      await writeFileAtomic(picture, curves);
      const { rows, failures, ...rest } = results;
      await writeFileAtomic(table, formatResults(rest, { rows, failures }));
      return [table, path, picture];
    },
    async [Symbol.asyncDispose]() {
      await journal?.[Symbol.asyncDispose]();
      await lock[Symbol.asyncDispose]();
    },
  };
}
