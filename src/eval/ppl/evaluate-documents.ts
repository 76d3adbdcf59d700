import { MinferenceError } from '../../errors.js';
import { peakMemoryBytes } from '../../prefill/peak-memory.js';
import type { DeviceChoice } from '../../runtime/device.js';
import { formatQuantity } from '../../utils/format.js';
import { silentProgress } from '../../utils/progress.js';
import type { EvaluationContext, RunOptions } from '../evaluate-suite.js';
import type { DecoderFacts } from '../harness/build-setup.js';
import type { Method } from '../methods/method.js';
import { resolveMethods } from '../methods/resolve-methods.js';
import { buildResults, buildSetup } from './build-results.js';
import { chooseDocuments } from './choose-documents.js';
import { drawPplCurves } from './draw-curves.js';
import { jobsOf, type PplDecoder } from './jobs.js';
import { measureAll } from './measure-documents.js';
import { createMeasurements } from './measurements.js';
import { openTexts } from './open-texts.js';
import type { PplOptions } from './options.js';
import { openPplOutput } from './output.js';
import { planPpl } from './plan.js';
import type { PplResults } from './results.js';

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
  options: PplOptions & Omit<RunOptions, 'shard' | 'kv' | 'equalCost'> & DecoderFacts,
  context: EvaluationContext = {},
): Promise<PplEvaluation> {
  const started = performance.now();
  const { progress = silentProgress, signal } = context;
  const { out, resume = true, patterns = 'auto', ignoreFingerprint = false, geometry } = options;
  const chunk = options.chunk ?? null;
  const allowDense = options.allowDense ?? false;
  const plan = planPpl(options, decoder.directory.config.contextLength);

  await using output = await openPplOutput(out);
  const methods = await resolveMethods(plan.methods, {
    decoder,
    patterns,
    ignoreFingerprint,
    geometry,
    budgets: options,
  });
  refuseFitting(methods);
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

/** Methods are fitted to a cost by prefills, for which the graph of likelihoods is not made. */
function refuseFitting(methods: readonly Method[]): void {
  const open = methods.find(({ prepare }) => prepare);
  if (!open) return;
  throw new MinferenceError('USAGE', `expected a size for the method ${open.name}, found none`, {
    hint: 'give its sizes, or --budgets paper; eval ruler and eval latency fit methods to a cost and print the sizes',
  });
}
