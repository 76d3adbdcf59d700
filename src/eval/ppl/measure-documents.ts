import { MinferenceError } from '../../errors.js';
import type { Decoder } from '../../prefill/decoder.js';
import { throwIfAborted } from '../../utils/abort.js';
import { defined } from '../../utils/defined.js';
import { hashJson } from '../../utils/hash.js';
import type { Journal } from '../../utils/journal.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import type { ProgressReporter } from '../../utils/progress.js';
import { rotated } from '../../utils/rotated.js';
import { endsRun } from '../harness/ends-run.js';
import { workOf } from '../harness/work.js';
import type { Method } from '../methods/method.js';
import type { ChosenDocuments, TokenizedDocument } from './choose-documents.js';
import { measureDocument } from './measure-document.js';
import type { Measurements, Place } from './measurements.js';
import type { PplPlan } from './plan.js';
import type { PplRecord } from './results.js';
import { windowsOf } from './windows.js';

/** What perplexity needs of an open decoder. */
export type PplDecoder = Pick<
  Decoder,
  | 'directory'
  | 'tokenizer'
  | 'layers'
  | 'leftAlone'
  | 'numLayers'
  | 'fingerprint'
  | 'filesHash'
  | 'device'
  | 'likelihood'
>;

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

interface Job extends Place {
  method: string;
  ids: readonly number[];
  how: Method;
  work: number;
}

/** The patterns of a length are those of its windows. */
export const patternLength = (length: number, { window }: Pick<PplPlan, 'window'>): number => Math.min(length, window);

/** Everything to be measured: document by document, each length with all methods, which take turns at being first. */
export function jobsOf({
  plan,
  methods,
  chosen,
  decoder,
}: Pick<MeasureAllOptions, 'plan' | 'methods' | 'chosen' | 'decoder'>) {
  const hashes = new Map<string, string>();
  const hashOf = ({ name, patterns }: Method, length: number) => {
    const key = `${name} ${length}`;
    const hash = hashes.get(key) ?? hashJson(patterns(length));
    hashes.set(key, hash);
    return hash;
  };
  const ofLength = (document: TokenizedDocument, index: number) => (length: number, turn: number) =>
    rotated(methods, index + turn).map((how): Job => {
      const windows = windowsOf(length, plan.window, plan.stride);
      const ofWindow = ({ start, end }: { start: number; end: number }) =>
        workOf(decoder, { length: end - start }, how);
      return {
        document: { name: document.name, sha256: document.sha256 },
        length,
        method: how.name,
        patterns_sha256: hashOf(how, patternLength(length, plan)),
        ids: document.ids.slice(0, length),
        how,
        work: windows.reduce((sum, window) => sum + ofWindow(window), 0),
      };
    });
  return chosen.documents.flatMap((document, index) => plan.lengths.flatMap(ofLength(document, index)));
}

/**
 * Measures what is missing. A method that fails at a length is not tried again there: what is missing is named.
 *
 * @throws {MinferenceError} ABORTED saying how to go on, WRITE_FAILED
 */
export async function measureAll(options: MeasureAllOptions): Promise<void> {
  const { decoder, measurements, progress, signal, journal } = options;
  const jobs = jobsOf(options);
  const open = jobs.filter((job) => !measurements.has(job));
  if (open.length === 0) return;
  const total = jobs.reduce((sum, { work }) => sum + work, 0);
  let left = open.reduce((sum, { work }) => sum + work, 0);
  const failed = new Map<string, MinferenceError>();
  try {
    await decoder.likelihood(open[0]!.ids.slice(0, WARM_UP_TOKENS), { patterns: 'dense', ...defined({ signal }) });
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
