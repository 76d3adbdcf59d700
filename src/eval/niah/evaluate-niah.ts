import { cpus } from 'node:os';
import type { TileGeometry } from '../../patterns/flops.js';
import { peakMemoryBytes } from '../../prefill/peak-memory.js';
import { packageVersion } from '../../utils/package-version.js';
import { type ProgressReporter, silentProgress } from '../../utils/progress.js';
import { loadHaystack } from '../datasets/load-haystack.js';
import { loadWords } from '../datasets/load-words.js';
import { answerGrid } from '../harness/answer-grid.js';
import { buildResults } from '../harness/build-results.js';
import { checkLengths } from '../harness/check-lengths.js';
import type { EvalDecoder } from '../harness/eval-decoder.js';
import { createGrid } from '../harness/grid.js';
import { openOutput } from '../harness/output.js';
import { createPromptMaker } from '../harness/prompt-maker.js';
import type { EvalResults } from '../harness/results.js';
import { runKey } from '../harness/run-key.js';
import { resolveMethods } from '../methods/resolve-methods.js';
import type { NiahResults } from './niah-results.js';
import { type GridOptions, planNiah } from './plan.js';
import { drawPlots } from './plots.js';

export interface NiahOptions extends GridOptions {
  /** Pattern file of the method minference, or `auto` (default): the one in configs/ made for this model. */
  patterns?: string;
  /** Take a pattern file of another export of the model, when the shapes agree. */
  ignoreFingerprint?: boolean;
  /** File with running text to hide needles in; default: the texts in datasets/haystack. */
  haystack?: string;
  /** Tokens per run of the graph; default: as many as memory allows. */
  chunk?: number;
  /** Results file to write, with plots beside it as .svg. Default: nothing is written. */
  out?: string;
  /** Continue an evaluation of the same options that was to write the same file; true by default. */
  resume?: boolean;
}

export interface EvaluationContext {
  progress?: ProgressReporter;
  /** Stops between answers, and within one as soon as the runtime can. */
  signal?: AbortSignal;
}

/** What the decoder itself does not say. */
export interface DecoderFacts {
  /** Tiles of the kernel, in which costs are counted. */
  geometry: TileGeometry;
  /** CPU threads it was opened with; null: the default. */
  threads: number | null;
}

/** The evaluation with an open decoder; see runNiah. */
export async function evaluateNiah(
  decoder: EvalDecoder,
  options: NiahOptions & DecoderFacts,
  context: EvaluationContext = {},
): Promise<NiahResults> {
  const started = performance.now();
  const plan = planNiah(options, decoder.directory.config.contextLength);
  const { progress = silentProgress, signal } = context;
  const {
    geometry,
    haystack: haystackPath,
    out,
    resume = true,
    patterns = 'auto',
    ignoreFingerprint = false,
  } = options;
  const chunk = options.chunk ?? null;
  checkLengths(plan.lengths, decoder.directory.config);

  await using output = await openOutput(out);
  const methods = await resolveMethods(plan.methods, { decoder, patterns, ignoreFingerprint, geometry });
  const [haystack, words] = await Promise.all([loadHaystack(haystackPath), loadWords()]);
  const { tokenizer } = decoder;
  const maker = createPromptMaker({
    tokenizer,
    sources: { ...words, essays: haystack.essays, questions: {} },
    seed: plan.seed,
    suite: 'niah',
  });
  const grid = createGrid(plan, methods, maker);

  const tool = `minference ${packageVersion()}`;
  const device = deviceFacts(decoder, options);
  const key = runKey({ decoder, tool, device, seed: plan.seed, chunk, haystack, words });
  const { answers, journal } = await output.openAnswers({ key, resume });
  await using _journal = journal;
  const total = grid.places.length * methods.length;
  const resumed = grid.countFinished(answers);
  if (resumed > 0) progress.note(`continuing: ${resumed} of ${total} answers were finished`);

  await answerGrid({ decoder, grid, answers, journal, chunk, progress, signal });

  const results = buildResults({ decoder, plan, methods, grid, answers, tool, key, device, chunk, haystack, words });
  const svg = drawPlots(results);
  const plots = await output.write(results, svg);
  await journal?.remove();
  return {
    results,
    table: results.rows.filter(({ task }) => task === null),
    byTask: results.rows.filter(({ task }) => task !== null),
    svg,
    out: out ?? null,
    plots,
    device: decoder.device,
    answers: { total, resumed },
    timings: { loadMs: 0, totalMs: performance.now() - started },
    peakMemoryBytes: peakMemoryBytes(),
  };
}

function deviceFacts(decoder: EvalDecoder, { geometry, threads }: DecoderFacts): EvalResults['device'] {
  const { blockM, blockN, keyAlign } = geometry;
  return {
    kind: decoder.device.kind,
    cpu: cpus()[0]?.model.trim() || 'unknown',
    threads,
    kernel: { block_m: blockM, block_n: blockN, key_align: keyAlign },
  };
}
