import { loadHaystack } from '../../datasets/load-haystack.js';
import { peakMemoryBytes } from '../../prefill/peak-memory.js';
import type { DeviceChoice } from '../../runtime/device.js';
import { hashJson } from '../../utils/hash.js';
import { packageCommit } from '../../utils/package-commit.js';
import { packageVersion } from '../../utils/package-version.js';
import { silentProgress } from '../../utils/progress.js';
import { repeated } from '../../utils/repeated.js';
import { ascending, fittingLengths } from '../default-lengths.js';
import type { EvaluationContext, RunOptions } from '../evaluate-suite.js';
import { type DecoderFacts, deviceFacts, methodFacts } from '../harness/build-setup.js';
import { checkLengths } from '../harness/check-lengths.js';
import type { EvalDecoder } from '../harness/eval-decoder.js';
import { BASELINE } from '../harness/summarize.js';
import type { Method } from '../methods/method.js';
import { hashPatterns, prepareMethods } from '../methods/method.js';
import { parseMethods } from '../methods/parse-methods.js';
import { resolveMethods } from '../methods/resolve-methods.js';
import { drawLatencyCurves } from './draw-curves.js';
import type { LatencyOptions } from './options.js';
import { openLatencyOutput } from './output.js';
import { LATENCY_SCHEMA, type LatencyResults, type LatencySetup } from './results.js';
import { findCrossovers, summarizeRuns } from './summarize.js';
import { type TimedMethod, timePrefills } from './time-prefills.js';

const DEFAULT_LENGTHS: readonly number[] = [1024, 2048, 4096, 8192, 16_384];
const DEFAULT_ROUNDS = 5;
export const DEFAULT_METHODS = 'dense,minference';
/** Tokens of the first prefill of a process, which is told apart. */
const FIRST_TOKENS = 1024;

/** What evaluateLatency gives back. */
export interface LatencyEvaluation {
  /** Contents of the results file. */
  results: LatencyResults;
  /** The picture, as SVG text. */
  curves: string;
  /** Folder written to, and its files; null and none without `out`. */
  out: string | null;
  files: string[];
  /** Timed prefills asked for, and those that an earlier run had. */
  runs: { total: number; resumed: number };
  timings: { loadMs: number; totalMs: number };
  /** Where the model ran, and why. */
  device: DeviceChoice;
  /** Largest resident memory of the process so far. */
  peakMemoryBytes: number;
}

/** As evaluateLatency, with an open decoder. */
export async function timeDecoder(
  decoder: EvalDecoder,
  options: LatencyOptions & Omit<RunOptions, 'shard' | 'kv'> & DecoderFacts & { loadMs: number },
  context: EvaluationContext = {},
): Promise<LatencyEvaluation> {
  const started = performance.now();
  const { progress = silentProgress, signal } = context;
  const {
    out,
    resume = true,
    patterns = 'auto',
    ignoreFingerprint = false,
    geometry,
    rounds = DEFAULT_ROUNDS,
  } = options;
  const { config } = decoder.directory;
  const lengths = ascending(options.lengths ?? fittingLengths(DEFAULT_LENGTHS, config.contextLength));
  checkLengths(lengths, config);
  const chunk = options.chunk ?? null;
  const allowDense = options.allowDense ?? true;

  await using output = await openLatencyOutput(out);
  const asked = parseMethods(options.methods ?? DEFAULT_METHODS);
  const specs = asked.some(({ kind }) => kind === BASELINE) ? asked : [...parseMethods(BASELINE), ...asked];
  const methods = await resolveMethods(specs, { decoder, patterns, ignoreFingerprint, geometry, budgets: options });
  const timed = methods.map(
    (method): TimedMethod => ({
      name: method.name,
      patterns: method.patterns,
      patternsSha256: (length) => hashPatterns(method, length),
    }),
  );
  const text = await readTokens(decoder, options.text, lengths.at(-1)!);
  if (text.tokens.length < lengths.at(-1)!) {
    progress.warn(`${text.name} has ${text.tokens.length} tokens: longer prompts repeat it`);
  }
  const tokens = (length: number) => repeated(text.tokens, length);
  await prepareMethods(methods, {
    ...{ decoder, lengths, chunk, progress, signal },
    prompts: (length) => [tokens(length)],
  });
  const setup = buildSetup({ decoder, facts: options, lengths, rounds, methods, timed, text, chunk, allowDense });
  const journal = await output.open(setup, resume);
  const runs = [...(journal?.entries ?? [])];
  const resumed = runs.length;
  if (resumed > 0) progress.note(`continuing: ${resumed} runs were finished`);

  const first = await firstPrefill(decoder, tokens(Math.min(FIRST_TOKENS, lengths.at(-1)!)), signal);
  await timePrefills({
    ...{ decoder, lengths, rounds, methods: timed, tokens, runs, journal },
    ...{ chunk, allowDense, progress, signal },
  });

  const names = methods.map(({ name }) => name);
  const wanted = runs.filter(
    (run) =>
      run.round < rounds &&
      timed.some((method) => method.name === run.method && method.patternsSha256(run.length) === run.patterns_sha256),
  );
  const rows = summarizeRuns(wanted, { lengths, methods: names, textTokens: text.tokens.length });
  const results: LatencyResults = {
    schema: LATENCY_SCHEMA,
    ...setup,
    finished: new Date().toISOString(),
    cold: { load_ms: options.loadMs, ...first },
    rows,
    crossovers: findCrossovers(rows, names),
  };
  const curves = drawLatencyCurves(results);
  return {
    results,
    curves,
    out: out ?? null,
    files: await output.write(results, curves),
    runs: { total: lengths.length * rounds * methods.length, resumed },
    timings: { loadMs: options.loadMs, totalMs: performance.now() - started },
    device: decoder.device,
    peakMemoryBytes: peakMemoryBytes(),
  };
}

/** What a new process pays once more than it does later. */
async function firstPrefill(decoder: EvalDecoder, tokens: readonly number[], signal: AbortSignal | undefined) {
  const started = performance.now();
  const { cache } = await decoder.prefill(tokens, {
    patterns: 'dense',
    maxNewTokens: 1,
    ...(signal === undefined ? {} : { signal }),
  });
  cache.dispose();
  return { length: tokens.length, first_prefill_ms: Math.round(1000 * (performance.now() - started)) / 1000 };
}

async function readTokens({ tokenizer }: EvalDecoder, path: string | undefined, most: number) {
  const { name, sha256, essays } = await loadHaystack(path);
  // A word has a token at least: no more words than tokens are needed.
  const words = essays.words.slice(0, most).join(' ');
  return { name, sha256, tokens: tokenizer.encode(words).slice(0, most) };
}

function buildSetup(parts: {
  decoder: EvalDecoder;
  facts: DecoderFacts;
  lengths: readonly number[];
  rounds: number;
  methods: readonly Method[];
  timed: readonly TimedMethod[];
  text: { name: string; sha256: string; tokens: readonly number[] };
  chunk: number | null;
  allowDense: boolean;
}): LatencySetup {
  const { decoder, facts, lengths, rounds, methods, timed, text, chunk, allowDense } = parts;
  const { directory, fingerprint, filesHash } = decoder;
  const { id, variant, config } = directory;
  const tool = `minference ${packageVersion()}`;
  const device = deviceFacts(decoder, facts);
  return {
    evaluation: 'latency',
    tool,
    commit: packageCommit(),
    key: hashJson({ tool, device, chunk, allowDense, fingerprint, variant, filesHash, text: text.sha256 }),
    model: { id, variant, fingerprint, files: filesHash, context_length: config.contextLength },
    device,
    options: {
      lengths: [...lengths],
      rounds,
      chunk,
      allow_dense: allowDense,
      methods: methodFacts(methods, lengths, (method, length) =>
        timed[methods.indexOf(method)]!.patternsSha256(length),
      ),
    },
    text: { name: text.name, sha256: text.sha256, tokens: text.tokens.length },
  };
}
