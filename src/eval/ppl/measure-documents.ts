import { MinferenceError } from '../../errors.js';
import { throwIfAborted } from '../../utils/abort.js';
import { defined } from '../../utils/defined.js';
import { formatDuration, formatQuantity } from '../../utils/format.js';
import type { Journal } from '../../utils/journal.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import type { ProgressReporter } from '../../utils/progress.js';
import { endsRun } from '../harness/ends-run.js';
import { BASELINE } from '../harness/summarize.js';
import { workOf } from '../harness/work.js';
import type { Method } from '../methods/method.js';
import type { ChosenDocuments } from './choose-documents.js';
import { type Job, jobsOf, type PplDecoder, patternLength } from './jobs.js';
import { measureDocument } from './measure-document.js';
import type { Measurements } from './measurements.js';
import type { PplPlan } from './plan.js';
import type { PplRecord } from './results.js';
import { windowsOf } from './windows.js';

export interface MeasureAllOptions {
  decoder: PplDecoder;
  plan: PplPlan;
  methods: readonly Method[];
  chosen: ChosenDocuments;
  /** What is finished; new measurements are added. */
  measurements: Measurements;
  journal: Journal<PplRecord> | undefined;
  chunk: number | null;
  allowDense: boolean;
  progress: ProgressReporter;
  signal: AbortSignal | undefined;
}

/** Tokens of the run that is not counted: the first run of a session sets up buffers and threads. */
const WARM_UP_TOKENS = 128;
/** Tokens of the run that tells how fast the machine is; shorter ones are not like the long ones. */
const TRIAL_TOKENS = 2048;

/**
 * Measures what is missing. A method that fails at a length is not tried again there: what is missing is named.
 *
 * @throws {MinferenceError} ABORTED saying how to go on, WRITE_FAILED
 */
export async function measureAll(options: MeasureAllOptions): Promise<void> {
  const { measurements, progress, signal, journal } = options;
  const jobs = jobsOf(options);
  const open = jobs.filter((job) => !measurements.has(job));
  if (open.length === 0) return;
  const total = jobs.reduce((sum, { work }) => sum + work, 0);
  let left = open.reduce((sum, { work }) => sum + work, 0);
  const failed = new Map<string, MinferenceError>();
  try {
    await tryOut(options, open, left);
    const task = progress.start({ label: 'measuring', total: jobs.length, unit: 'measurements' });
    for (const job of open) {
      throwIfAborted(signal);
      const { document, length, method, patterns_sha256 } = job;
      task.update((jobs.length * (total - left)) / total, `${formatTokenCount(length)} of ${document.name}, ${method}`);
      const record = { document, length, method, patterns_sha256, ...(await measureOrFailure(options, job, failed)) };
      await journal?.append(record);
      measurements.add(record);
      left -= job.work;
    }
    task.finish();
  } catch (error) {
    throw explained(error, options, jobs);
  }
}

/** Warms the session up, then tells from one timed run what the open jobs will take. */
async function tryOut({ decoder, progress, signal }: MeasureAllOptions, open: readonly Job[], work: number) {
  const { ids } = open.at(-1)!;
  const run = (tokens: number) =>
    decoder.likelihood([...ids.subarray(0, tokens)], { patterns: 'dense', ...defined({ signal }) });
  await run(WARM_UP_TOKENS);
  const length = Math.min(TRIAL_TOKENS, ids.length);
  const { timings } = await run(length);
  const estimate = (timings.totalMs / workOf(decoder, { length }, { name: BASELINE })) * work;
  progress.note(
    `${formatQuantity(open.length, 'measurement')}: about ${formatDuration(estimate)}, by one run of ${length} tokens`,
  );
}

async function measureOrFailure(
  { decoder, plan, chosen: { prefix }, chunk, allowDense, signal, progress }: MeasureAllOptions,
  { document, length, method, ids, how }: Job,
  failed: Map<string, MinferenceError>,
): Promise<Pick<PplRecord, 'measurement' | 'failure'>> {
  const group = JSON.stringify([method, length]);
  const earlier = failed.get(group);
  if (earlier) return { failure: { code: earlier.code, message: earlier.message, skipped: true } };
  try {
    const windows = windowsOf(length, plan.window, plan.stride);
    const patterns = how.patterns(patternLength(length, plan));
    return {
      measurement: await measureDocument(decoder, ids, { windows, patterns, prefix, chunk, allowDense, signal }),
    };
  } catch (error) {
    if (!(error instanceof MinferenceError) || endsRun(error, signal)) throw error;
    failed.set(group, error);
    progress.warn(
      `${method} failed on ${formatTokenCount(length)} tokens of ${document.name} and is left out at this length: ${error.message}`,
    );
    return { failure: { code: error.code, message: error.message, skipped: false } };
  }
}

/** An interruption says what is kept. */
function explained(
  error: unknown,
  { signal, measurements, journal }: MeasureAllOptions,
  jobs: readonly Job[],
): unknown {
  if (!signal?.aborted || !journal) return error;
  const finished = jobs.filter((job) => measurements.has(job)).length;
  const hint =
    finished === 0
      ? 'nothing was kept: run the command again'
      : `${finished} of ${jobs.length} measurements are kept in ${journal.path}: run the same command again to go on`;
  return new MinferenceError('ABORTED', 'interrupted', { hint, cause: error });
}
