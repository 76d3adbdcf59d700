import { MinferenceError } from '../src/errors.js';
import { decodeHeadPattern } from '../src/patterns/head-pattern.js';
import type { Decoder } from '../src/prefill/decoder.js';
import type { LayerCandidates, ProbeScore } from '../src/prefill/probe.js';
import { defined } from '../src/utils/defined.js';
import { formatCount, formatDuration } from '../src/utils/format.js';
import type { ProgressReporter } from '../src/utils/progress.js';
import { type CalibrationSample, setName } from './calibration.js';
import type { SampleScores } from './scores.js';

export interface ProbeSamplesOptions {
  decoder: Pick<Decoder, 'probe' | 'layers'>;
  samples: readonly CalibrationSample[];
  /** What is measured, layer by layer. */
  layers: readonly LayerCandidates[];
  /** Where finished prompts are kept, and those that are. */
  kept: {
    readonly finished: ReadonlyMap<number, SampleScores>;
    save(index: number, scores: SampleScores): Promise<void>;
  };
  /** What the work is called while it goes on. */
  label: string;
  progress: ProgressReporter;
  signal: AbortSignal | undefined;
}

/**
 * Measures patterns on every calibration prompt that is not kept yet: one run of the probe graph per prompt, which
 * computes all layers and heads at once.
 *
 * @throws {MinferenceError} ABORTED, saying what is kept; RUNTIME_FAILED
 */
export async function probeSamples(options: ProbeSamplesOptions): Promise<SampleScores[]> {
  const { samples, layers, kept, signal, label } = options;
  const task = options.progress.start({ label, total: samples.length, unit: 'prompts' });
  const results: SampleScores[] = [];
  const candidates = Math.max(...layers.map(({ rows, perHead }) => (perHead ? 1 : rows.length)));
  for (const [index, sample] of samples.entries()) {
    const finished = kept.finished.get(index);
    if (finished) {
      results.push(finished);
      continue;
    }
    if (signal?.aborted) throw interrupted(options);
    const facts = `${setName(sample.set)}, ${formatCount(sample.tokens.length)} tokens`;
    task.update(index, `${facts}, ${candidates} candidates a head`);
    const { scores, ms } = await probe(sample, options, (share) => task.update(index + share));
    await kept.save(index, scores);
    results.push(scores);
    task.row(`prompt ${index + 1} of ${samples.length}: ${facts}, ${formatDuration(ms)}`);
    task.update(index + 1);
  }
  task.finish();
  return results;
}

async function probe(sample: CalibrationSample, options: ProbeSamplesOptions, onShare: (done: number) => void) {
  const { decoder, layers, signal } = options;
  try {
    const { scores, ms } = await decoder.probe(sample.tokens, {
      layers,
      onLayers: (finished) => onShare(finished / decoder.layers.length),
      ...defined({ signal }),
    });
    const patterns = (layer: number) => (scored: ProbeScore[], head: number) =>
      scored.map((score, candidate) => {
        const { rows, perHead } = layers[layer]!;
        return keep(score, rows[perHead ? head : candidate]![0]);
      });
    return { scores: scores.map((heads, layer) => heads.map(patterns(layer))), ms };
  } catch (error) {
    throw signal?.aborted ? interrupted(options) : error;
  }
}

/** Without the time, which differs from run to run, and the tiles, which the FLOPs contain. */
const keep = ({ errorAll, errorLast, massRecall, flops, a, b }: ProbeScore, kind: number) => ({
  errorAll,
  errorLast,
  massRecall,
  flops,
  pattern: decodeHeadPattern(kind, a, b),
});

function interrupted({ kept: { finished }, samples }: ProbeSamplesOptions): MinferenceError {
  const hint =
    finished.size === 0
      ? 'nothing was kept: run the command again'
      : `${finished.size} of ${samples.length} calibration prompts are finished and kept: run the same command to go on`;
  return new MinferenceError('ABORTED', 'the search was interrupted', { hint });
}
