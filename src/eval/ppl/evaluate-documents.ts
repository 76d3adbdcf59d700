import { peakMemoryBytes } from '../../prefill/peak-memory.js';
import type { DeviceChoice } from '../../runtime/device.js';
import { formatQuantity } from '../../utils/format.js';
import { hashJson } from '../../utils/hash.js';
import { packageCommit } from '../../utils/package-commit.js';
import { packageVersion } from '../../utils/package-version.js';
import { silentProgress } from '../../utils/progress.js';
import type { EvaluationContext, RunOptions } from '../evaluate-suite.js';
import { type DecoderFacts, deviceFacts, methodFacts } from '../harness/build-setup.js';
import type { Method } from '../methods/method.js';
import { resolveMethods } from '../methods/resolve-methods.js';
import { type ChosenDocuments, chooseDocuments } from './choose-documents.js';
import { drawPplCurves } from './draw-curves.js';
import { jobsOf, measureAll, type PplDecoder, patternLength } from './measure-documents.js';
import { createMeasurements, type Measurements } from './measurements.js';
import { openTexts } from './open-texts.js';
import type { PplOptions } from './options.js';
import { openPplOutput } from './output.js';
import { type PplPlan, planPpl } from './plan.js';
import { type Measurement, PPL_SCHEMA, type PplResults, type PplSetup } from './results.js';
import { summarizeRow } from './summarize.js';

/** What evaluatePerplexity gives back. */
export interface PplEvaluation {
  /** Contents of the results file. */
  results: PplResults;
  /** The picture, as SVG text. */
  curves: string;
  /** Folder written to, and its files; null and none without `out`. */
  out: string | null;
  files: string[];
  /** Of documents × lengths × methods: asked for, those that an earlier run had, and those that are missing. */
  measurements: { total: number; resumed: number; failed: number };
  timings: { loadMs: number; totalMs: number };
  /** Where the model ran, and why. */
  device: DeviceChoice;
  /** Largest resident memory of the process so far. */
  peakMemoryBytes: number;
}

/** As evaluatePerplexity, with an open decoder. */
export async function evaluateDocuments(
  decoder: PplDecoder,
  options: PplOptions & Omit<RunOptions, 'shard'> & DecoderFacts,
  context: EvaluationContext = {},
): Promise<PplEvaluation> {
  const started = performance.now();
  const { progress = silentProgress, signal } = context;
  const { out, resume = true, patterns = 'auto', ignoreFingerprint = false, geometry } = options;
  const chunk = options.chunk ?? null;
  const allowDense = options.allowDense ?? false;
  const plan = planPpl(options, decoder.directory.config.contextLength);

  await using output = await openPplOutput(out);
  const methods = await resolveMethods(plan.methods, { decoder, patterns, ignoreFingerprint, geometry });
  const source = await openTexts(options.texts);
  const chosen = await chooseDocuments(source, {
    tokenizer: decoder.tokenizer,
    longest: plan.lengths.at(-1)!,
    count: plan.documents,
  });
  if (chosen.documents.length < plan.documents) {
    progress.warn(
      `${formatQuantity(chosen.documents.length, 'document')} instead of ${plan.documents}: the others are shorter than ${plan.lengths.at(-1)} tokens`,
    );
  }
  const setup = buildSetup({ decoder, facts: options, plan, methods, prefix: chosen.prefix, chunk, allowDense });
  const journal = await output.open(setup, resume);
  const measurements = createMeasurements(journal?.entries);
  const jobs = jobsOf({ plan, methods, chosen, decoder });
  const resumed = jobs.filter((job) => measurements.has(job)).length;
  if (resumed > 0) progress.note(`continuing: ${resumed} of ${jobs.length} measurements were finished`);

  await measureAll({ decoder, plan, methods, chosen, measurements, journal, chunk, allowDense, progress, signal });

  const results = buildResults(setup, { chosen, name: source.name, jobs, measurements });
  const curves = drawPplCurves(results);
  return {
    results,
    curves,
    out: out ?? null,
    files: await output.write(results, { setup, records: measurements.records(), curves }),
    device: decoder.device,
    measurements: { total: jobs.length, resumed, failed: results.failures.length },
    timings: { loadMs: 0, totalMs: performance.now() - started },
    peakMemoryBytes: peakMemoryBytes(),
  };
}

function buildSetup(parts: {
  decoder: PplDecoder;
  facts: DecoderFacts;
  plan: PplPlan;
  methods: readonly Method[];
  prefix: readonly number[];
  chunk: number | null;
  allowDense: boolean;
}): PplSetup {
  const { decoder, facts, plan, methods, chunk, allowDense } = parts;
  const { directory, fingerprint, filesHash } = decoder;
  const { id, variant, config } = directory;
  const { window, stride, lengths } = plan;
  const tool = `minference ${packageVersion()}`;
  const device = deviceFacts(decoder, facts);
  const prefix = [...parts.prefix];
  return {
    evaluation: 'ppl',
    tool,
    commit: packageCommit(),
    key: hashJson({
      suite: 'ppl',
      tool,
      device,
      window,
      stride,
      prefix,
      chunk,
      allowDense,
      fingerprint,
      variant,
      filesHash,
    }),
    model: { id, variant, fingerprint, files: filesHash, context_length: config.contextLength },
    device,
    options: {
      lengths: [...lengths],
      documents: plan.documents,
      window,
      stride,
      prefix,
      chunk,
      allow_dense: allowDense,
      methods: methodFacts(methods, lengths, (method, length) =>
        hashJson(method.patterns(patternLength(length, plan))),
      ),
    },
  };
}

function buildResults(
  setup: PplSetup,
  {
    chosen,
    name,
    jobs,
    measurements,
  }: {
    chosen: ChosenDocuments;
    name: string;
    jobs: ReturnType<typeof jobsOf>;
    measurements: Measurements;
  },
): PplResults {
  const records = jobs.flatMap((job) => measurements.get(job) ?? []);
  const failures = records.flatMap(({ document, length, method, failure }) =>
    failure ? [{ document: document.name, length, method, ...failure }] : [],
  );
  const rows = setup.options.lengths.flatMap((length) => {
    const documents = chosen.documents.map(({ sha256 }) => {
      const own = records.filter((record) => record.length === length && record.document.sha256 === sha256);
      return new Map(
        own.flatMap(({ method, measurement }) => (measurement ? [[method, measurement] as [string, Measurement]] : [])),
      );
    });
    return setup.options.methods.flatMap(({ name: method }) => {
      const failed = failures.filter((failure) => failure.method === method && failure.length === length).length;
      return summarizeRow(documents, { length, method, failed }) ?? [];
    });
  });
  return {
    schema: PPL_SCHEMA,
    ...setup,
    finished: new Date().toISOString(),
    data: {
      name,
      documents: chosen.documents.map(({ name, sha256, tokens }) => ({ name, sha256, tokens })),
      skipped: chosen.skipped,
    },
    rows,
    failures,
  };
}
