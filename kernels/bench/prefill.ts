import { calibrationSamples } from '../../search/calibration.js';
import { runSearch } from '../../search/run-search.js';
import type { HeadPattern } from '../../src/patterns/head-pattern.js';
import { patternMatrix } from '../../src/patterns/to-matrix.js';
import { Decoder } from '../../src/prefill/decoder.js';
import { median } from '../../src/utils/statistics.js';

/** One length: median milliseconds of a whole prefill (tokens in, last-position logits and KV cache out). */
export interface PrefillRow {
  length: number;
  onnxRuntimeMs: number;
  denseMs: number;
  sparseMs: number;
  /** Of the sparse prefill: indices and attention. */
  attentionMs: number;
}

/** Another seed than the search's: the timed prompts are not the calibration prompt. */
const PROMPT_SEED = 1;

/**
 * Whole prefill of the embedded model: the unmodified graph under plain ONNX Runtime, our dense attention, and sparse
 * attention with patterns searched here at `searchLength` for 20 % of the dense FLOPs. The three take turns at every
 * length, so that a drift of the machine's clock hits all of them.
 */
export async function benchPrefill(options: {
  lengths?: readonly number[];
  searchLength?: number;
  log: (line: string) => void;
}): Promise<PrefillRow[]> {
  const { lengths = [1024, 2048, 4096, 8192, 15_700], log } = options;
  const search = await runSearch({ length: options.searchLength ?? 16_384, budget: '20%', device: 'cpu' }, {});
  const patterns = patternMatrix(search.patterns);
  using original = await Decoder.open({ graph: 'original', device: 'cpu' });
  using ours = await Decoder.open({ graph: 'prefill', device: 'cpu' });
  log('tokens  ONNX Runtime      dense     sparse  (attention)   vs ONNX Runtime  vs dense');
  const rows: PrefillRow[] = [];
  for (const length of lengths) {
    const [sample] = await calibrationSamples([{ kind: 'kv' }], {
      tokenizer: ours.tokenizer,
      length,
      samples: 1,
      seed: PROMPT_SEED,
    });
    const { tokens } = sample!;
    const times = {
      onnxRuntime: [] as number[],
      dense: [] as number[],
      sparse: [] as number[],
      attention: [] as number[],
    };
    const rounds = length <= 4096 ? 7 : 3;
    for (let round = -1; round < rounds; round++) {
      const onnxRuntime = await time(original, tokens, 'dense');
      const dense = await time(ours, tokens, 'dense');
      const sparse = await time(ours, tokens, patterns);
      if (round < 0) continue; // warm-up
      times.onnxRuntime.push(onnxRuntime.totalMs);
      times.dense.push(dense.totalMs);
      times.sparse.push(sparse.totalMs);
      times.attention.push(sparse.indexMs! + sparse.attentionMs!);
    }
    const row: PrefillRow = {
      length: tokens.length,
      onnxRuntimeMs: median(times.onnxRuntime),
      denseMs: median(times.dense),
      sparseMs: median(times.sparse),
      attentionMs: median(times.attention),
    };
    rows.push(row);
    log(formatRow(row));
  }
  return rows;
}

async function time(decoder: Decoder, tokens: readonly number[], patterns: HeadPattern[][] | 'dense') {
  const result = await decoder.prefill(tokens, { patterns });
  result.cache.dispose();
  return result.timings;
}

function formatRow(row: PrefillRow): string {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(3)} s`.padStart(10);
  const ratio = (value: number) => `${value.toFixed(2)}×`;
  return [
    String(row.length).padStart(6),
    seconds(row.onnxRuntimeMs).padStart(13),
    seconds(row.denseMs),
    seconds(row.sparseMs),
    seconds(row.attentionMs).padStart(12),
    ratio(row.onnxRuntimeMs / row.sparseMs).padStart(16),
    ratio(row.denseMs / row.sparseMs).padStart(9),
  ].join(' ');
}
