import { unlink } from 'node:fs/promises';
import { z } from 'zod';
import { MinferenceError } from '../src/errors.js';
import { decodeHeadPattern, encodeHeadPattern } from '../src/patterns/head-pattern.js';
import { writeFileAtomic } from '../src/utils/atomic-write.js';
import { readJsonFile } from '../src/utils/json.js';
import type { SampleScores } from './scores.js';

const CHECKPOINT_SCHEMA = 'minference.search-checkpoint/2';
/** A search over 100 layers of 128 heads has about 2 MB of scores per prompt. */
const MAX_CHECKPOINT_BYTES = 512 * 2 ** 20;

/** What is no number is null in JSON. */
const measure = z.number().nullable();
/** Errors, recall, FLOPs; then kind and sizes of the pattern as the ops take them. */
const score = z.tuple([measure, measure, measure, measure, z.int().min(0).max(3), z.int(), z.int()]);
const schema = z.strictObject({
  schema: z.literal(CHECKPOINT_SCHEMA),
  key: z.string(),
  samples: z.array(z.strictObject({ index: z.int().min(0), scores: z.array(z.array(z.array(score))) })),
});

/** Finished calibration prompts of a search that is under way, kept beside its output. */
export interface Checkpoint {
  /** Scores of prompts that an earlier run finished, by the prompt's index. */
  readonly finished: ReadonlyMap<number, SampleScores>;
  /** Why an existing checkpoint was not used, for the user. */
  readonly ignored: string | undefined;
  /** Keeps the scores of one more prompt, atomically. */
  save(index: number, scores: SampleScores): Promise<void>;
  /** The search is complete. */
  remove(): Promise<void>;
}

export const checkpointPath = (out: string): string => `${out}.resume.json`;

/**
 * Opens the checkpoint of a search.
 *
 * @param path where it is kept; undefined keeps nothing
 * @param key hash of everything that the scores depend on: a checkpoint with another key is left aside
 * @param resume false starts over
 */
export async function openCheckpoint(options: {
  path: string | undefined;
  key: string;
  resume: boolean;
}): Promise<Checkpoint> {
  const { path, key } = options;
  if (path === undefined) {
    return { finished: new Map(), ignored: undefined, save: async () => {}, remove: async () => {} };
  }
  const { finished, ignored } = options.resume ? await readCheckpoint(path, key) : { finished: new Map() };
  return {
    finished,
    ignored,
    async save(index, scores) {
      finished.set(index, scores);
      await writeFileAtomic(path, format(key, finished));
    },
    async remove() {
      await unlink(path).catch(() => {});
    },
  };
}

interface Read {
  finished: Map<number, SampleScores>;
  ignored?: string | undefined;
}

/** A checkpoint is a help, never a condition: one that cannot be used is said and left aside. */
async function readCheckpoint(path: string, key: string): Promise<Read> {
  const finished = new Map<number, SampleScores>();
  try {
    const value = await readJsonFile(path, { code: 'CHECKPOINT_INVALID', maxBytes: MAX_CHECKPOINT_BYTES });
    const file = schema.safeParse(value);
    if (!file.success) return { finished, ignored: `${path} is not a checkpoint of this version` };
    if (file.data.key !== key) return { finished, ignored: `${path} belongs to a search with other options` };
    for (const { index, scores } of file.data.samples) finished.set(index, fromTuples(scores));
    return { finished };
  } catch (error) {
    if (!(error instanceof MinferenceError)) throw error;
    return { finished, ignored: error.code === 'READ_FAILED' && isMissing(error) ? undefined : error.message };
  }
}

const isMissing = (error: MinferenceError) => (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';

function format(key: string, finished: ReadonlyMap<number, SampleScores>): string {
  const samples = [...finished]
    .sort(([a], [b]) => a - b)
    .map(([index, scores]) => ({ index, scores: toTuples(scores) }));
  return JSON.stringify({ schema: CHECKPOINT_SCHEMA, key, samples });
}

type Tuple = z.infer<typeof score>;

const orNull = (value: number) => (Number.isFinite(value) ? value : null);
const orNaN = (value: number | null) => value ?? Number.NaN;

const toTuples = (scores: SampleScores): Tuple[][][] =>
  scores.map((heads) =>
    heads.map((candidates) =>
      candidates.map(({ errorAll, errorLast, massRecall, flops, pattern }) => {
        const [kind, a, b] = encodeHeadPattern(pattern);
        return [orNull(errorAll), orNull(errorLast), orNull(massRecall), orNull(flops), kind, a, b];
      }),
    ),
  );

const fromTuples = (tuples: Tuple[][][]): SampleScores =>
  tuples.map((heads) =>
    heads.map((candidates) =>
      candidates.map(([errorAll, errorLast, massRecall, flops, kind, a, b]) => ({
        errorAll: orNaN(errorAll),
        errorLast: orNaN(errorLast),
        massRecall: orNaN(massRecall),
        flops: orNaN(flops),
        pattern: decodeHeadPattern(kind, a, b),
      })),
    ),
  );
