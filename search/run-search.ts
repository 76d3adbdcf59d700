import type { PatternFile } from '../src/patterns/pattern-file.js';
import { savePatterns } from '../src/patterns/save-patterns.js';
import { Decoder } from '../src/prefill/decoder.js';
import { peakMemoryBytes } from '../src/prefill/peak-memory.js';
import type { LayerCandidates } from '../src/prefill/probe.js';
import { writeFileAtomic } from '../src/utils/atomic-write.js';
import { checkOptions } from '../src/utils/check-options.js';
import { defined } from '../src/utils/defined.js';
import { lockOutput } from '../src/utils/file-lock.js';
import { hashJson } from '../src/utils/hash.js';
import { watchSchema } from '../src/utils/option-schemas.js';
import { type ProgressReporter, silentProgress } from '../src/utils/progress.js';
import { explainBudget } from './budget.js';
import { buildPatternFile } from './build-file.js';
import { calibrationSamples } from './calibration.js';
import { candidateRow } from './candidates.js';
import { type Checkpoint, openCheckpoint } from './checkpoint.js';
import { chooseHeads } from './choose-heads.js';
import { measureWritten } from './measure-written.js';
import { type OutputFiles, outputFiles } from './output-files.js';
import { patternMap } from './pattern-map.js';
import { planSearch } from './plan-search.js';
import { probeSamples } from './probe-samples.js';
import { provenance } from './provenance.js';
import type { SearchResult } from './result.js';
import { probeFacts, type SearchFacts, searchFacts, staysDense } from './search-facts.js';
import { measureStability } from './stability.js';
import { summarizeLayers } from './summary.js';
import { tightBudget } from './tight-budget.js';
import type { SearchContext, SearchOptions } from './types.js';

/**
 * Searches sparse attention patterns for a model: the paper's Algorithm 1, per head, on calibration prompts.
 * search/README.md has the algorithm step by step.
 *
 * @throws {MinferenceError} USAGE, PROMPT_TOO_LONG, DATASET_INVALID, READ_FAILED, WRITE_FAILED, LOCKED, ABORTED (what
 *   is finished is kept when `out` is given), and whatever opening the model throws.
 */
export async function runSearch(options: SearchOptions = {}, context: SearchContext = {}): Promise<SearchResult> {
  const started = performance.now();
  const plan = planSearch(options);
  checkOptions(watchSchema, context, 'search');
  const { progress = silentProgress, signal } = context;
  const files = await outputFiles(options.out);
  await using _lock = files.patterns === undefined ? undefined : await lockOutput(files.patterns);

  using decoder = await openDecoder(options, context);
  const facts = searchFacts(decoder, plan);
  progress.note(explain(facts));

  const calibrationStarted = performance.now();
  const samples = await calibrationSamples(plan.sets, {
    ...facts,
    tokenizer: decoder.tokenizer,
    warn: (message) => progress.warn(message),
  });
  const calibrationMs = performance.now() - calibrationStarted;

  const hashes = samples.map(({ sha256 }) => sha256);
  const key = hashJson({ ...probeFacts(facts), files: decoder.filesHash, samples: hashes });
  const checkpoint = await openCheckpoint({ path: files.checkpoint, key, resume: options.resume ?? true });
  reportCheckpoint(checkpoint, samples.length, progress);
  const resumed = checkpoint.finished.size;

  const probeStarted = performance.now();
  const common = { decoder, samples, progress, signal };
  // Nothing is to be found out about heads that stay dense.
  const idle = facts.layers.every((_, layer) => staysDense(facts, layer));
  const scores = idle
    ? []
    : await probeSamples({ ...common, label: 'search', layers: candidatesByLayer(facts), kept: checkpoint });
  const choice = chooseHeads(scores, facts);
  const heads = scores.length > 1 ? await measureWritten(choice, facts, common) : choice.heads;
  const probeMs = performance.now() - probeStarted;

  const warning = tightBudget(scores, facts);
  if (warning) progress.warn(warning);
  const { anomalies } = choice;
  const stability = measureStability(heads, scores, facts);
  const patterns = buildPatternFile({
    ...facts,
    heads,
    search: provenance(facts, samples, { stability, anomalies }),
  });
  const svg = patternMap(patterns);
  await writeResult(files, patterns, svg);
  await checkpoint.remove();
  return {
    patterns,
    device: decoder.device,
    out: files.patterns ?? null,
    map: files.map ?? null,
    svg,
    layers: summarizeLayers(patterns),
    stability,
    anomalies,
    samples: { total: samples.length, resumed },
    timings: { loadMs: decoder.loadMs, calibrationMs, probeMs, totalMs: performance.now() - started },
    peakMemoryBytes: peakMemoryBytes(),
  };
}

function explain({ budgetText, budgets, tightest, layers, length }: SearchFacts): string {
  return explainBudget(budgetText, budgets[tightest]!, { length, headDim: layers[tightest]!.headDim });
}

const candidatesByLayer = (facts: SearchFacts): LayerCandidates[] =>
  facts.budgets.map(({ flops }, layer) => ({
    rows: staysDense(facts, layer) ? [] : facts.candidates.map(candidateRow),
    budgetFlops: flops,
  }));

function openDecoder(options: SearchOptions, { progress, signal }: SearchContext): Promise<Decoder> {
  const { model, variant, device, deviceId, threads } = options;
  return Decoder.open({
    graph: 'probe',
    ...defined({ model, variant, device, deviceId, threads, progress, signal }),
  });
}

function reportCheckpoint({ finished, ignored }: Checkpoint, total: number, progress: ProgressReporter): void {
  if (ignored !== undefined) progress.warn(`starting over: ${ignored}`);
  if (finished.size > 0) progress.note(`continuing: ${finished.size} of ${total} calibration prompts were finished`);
}

/** The map first: when the pattern file is there, everything is. */
async function writeResult(files: OutputFiles, patterns: PatternFile, svg: string): Promise<void> {
  if (files.map !== undefined) await writeFileAtomic(files.map, svg);
  if (files.patterns !== undefined) await savePatterns(files.patterns, patterns);
}
