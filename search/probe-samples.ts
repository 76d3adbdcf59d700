import { MinferenceError } from '../src/errors.js';
import type { Decoder } from '../src/prefill/decoder.js';
import type { ProbeScore } from '../src/prefill/probe.js';
import { formatCount, formatDuration } from '../src/utils/format.js';
import type { ProgressReporter } from '../src/utils/progress.js';
import { type CalibrationSample, setName } from './calibration.js';
import { type Candidate, candidateRow } from './candidates.js';
import type { Checkpoint } from './checkpoint.js';
import type { SampleScores } from './scores.js';

export interface ProbeSamplesOptions {
  decoder: Pick<Decoder, 'probe' | 'layers'>;
  samples: readonly CalibrationSample[];
  candidates: readonly Candidate[];
  budgetFlops: number;
  checkpoint: Checkpoint;
  progress: ProgressReporter;
  signal: AbortSignal | undefined;
}

/**
 * Measures all candidates on every calibration prompt that the checkpoint does not hold yet: one run of the probe graph
 * per prompt, which computes all layers and heads at once.
 *
 * @throws {MinferenceError} ABORTED, saying what is kept; RUNTIME_FAILED
 */
export async function probeSamples(options: ProbeSamplesOptions): Promise<SampleScores[]> {
  const { samples, candidates, checkpoint, signal } = options;
  const task = options.progress.start({ label: 'search', total: samples.length, unit: 'prompts' });
  const results: SampleScores[] = [];
  for (const [index, sample] of samples.entries()) {
    const kept = checkpoint.finished.get(index);
    if (kept) {
      results.push(kept);
      continue;
    }
    if (signal?.aborted) throw interrupted(checkpoint, samples.length);
    const facts = `${setName(sample.set)}, ${formatCount(sample.tokens.length)} tokens`;
    task.update(index, `${facts}, ${candidates.length} candidates a head`);
    const { scores, ms } = await probe(sample, options, (share) => task.update(index + share));
    assertFinite(scores);
    await checkpoint.save(index, scores);
    results.push(scores);
    task.row(`prompt ${index + 1} of ${samples.length}: ${facts}, ${formatDuration(ms)}`);
    task.update(index + 1);
  }
  task.finish();
  return results;
}

async function probe(sample: CalibrationSample, options: ProbeSamplesOptions, onShare: (done: number) => void) {
  const { decoder, candidates, budgetFlops, checkpoint, samples, signal } = options;
  try {
    const { scores, ms } = await decoder.probe(sample.tokens, {
      candidates: candidates.map(candidateRow),
      budgetFlops,
      onLayers: (finished) => onShare(finished / decoder.layers.length),
      ...(signal ? { signal } : {}),
    });
    return { scores: scores.map((heads) => heads.map((head) => head.map(keep))), ms };
  } catch (error) {
    throw signal?.aborted ? interrupted(checkpoint, samples.length) : error;
  }
}

/** Without the time, which differs from run to run, and the tiles, which the FLOPs contain. */
const keep = ({ errorAll, errorLast, massRecall, flops, a, b }: ProbeScore) => ({
  errorAll,
  errorLast,
  massRecall,
  flops,
  a,
  b,
});

function interrupted({ finished }: Checkpoint, total: number): MinferenceError {
  const kept =
    finished.size === 0
      ? 'nothing was kept: run the command again'
      : `${finished.size} of ${total} calibration prompts are finished and kept: run the same command to go on`;
  return new MinferenceError('ABORTED', 'the search was interrupted', { hint: kept });
}

/** A dense output that overflowed would make every comparison meaningless, silently. */
function assertFinite(scores: SampleScores): void {
  for (const [layer, heads] of scores.entries()) {
    for (const [head, candidates] of heads.entries()) {
      const broken = candidates.some(({ errorAll, errorLast, massRecall, flops }) =>
        [errorAll, errorLast, massRecall, flops].some((value) => !Number.isFinite(value)),
      );
      if (!broken) continue;
      throw new MinferenceError(
        'RUNTIME_FAILED',
        `layer ${layer} head ${head}: expected finite errors of the candidates, found NaN or infinity`,
        {
          hint: 'activations overflow in this variant of the model: search with another one (--variant), such as fp32',
        },
      );
    }
  }
}
