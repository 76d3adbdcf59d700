import { MinferenceError } from '../errors.js';
import { LOSS_OUTPUT, TARGETS_INPUT } from '../onnx/rewrite/next-token-loss.js';
import { Tensor } from '../runtime/tensor.js';
import { defined } from '../utils/defined.js';
import type { DecoderParts } from './decoder-parts.js';
import { type ChunkOptions, type PrefillMemory, runChunks } from './run-chunks.js';
import type { PrefillTimings } from './timings.js';

export type LikelihoodOptions = Omit<ChunkOptions, 'maxNewTokens'>;

export interface Likelihood {
  /**
   * −ln of the probability of every token given all before it, in nats, float32 [tokens − 1]: the first value is the second
   * token's.
   */
  loss: Float32Array;
  /** Of the whole run, the LM head for all positions included. */
  timings: PrefillTimings;
  peakMemoryBytes: number;
}

/** Scores the tokens of a text by one prefill of it. Errors as Decoder.likelihood's. */
export async function runLikelihood(
  parts: DecoderParts,
  tokens: readonly number[],
  options: LikelihoodOptions,
  memory?: PrefillMemory,
): Promise<Likelihood> {
  if (parts.graph !== 'likelihood') {
    throw new MinferenceError('USAGE', `expected the likelihood graph, found the ${parts.graph} graph`, {
      hint: 'Open the decoder with graph: "likelihood".',
    });
  }
  const loss = new Float32Array(Math.max(0, tokens.length - 1));
  const { cache, ...run } = await runChunks(
    parts,
    tokens,
    {
      ...options,
      maxNewTokens: 0,
      outputs: [LOSS_OUTPUT],
      feeds: ({ start, rows }) => ({ [TARGETS_INPUT]: targets(tokens, start, rows) }),
      ...defined({ memory }),
    },
    async ({ outputs }, { start }) => {
      using rows = outputs[LOSS_OUTPUT]!;
      const data = rows.data() as Float32Array;
      // Behind the last token there is none.
      loss.set(data.subarray(0, loss.length - start), start);
    },
  );
  cache.dispose();
  checkLoss(loss);
  return { loss, ...run };
}

/** The token behind every row; behind the last one any, which is not read. */
function targets(tokens: readonly number[], start: number, rows: number): Tensor {
  const next = Array.from({ length: rows }, (_, row) => tokens[start + row + 1] ?? 0);
  return Tensor.fromArray('int64', BigInt64Array.from(next, BigInt), [1, rows, 1]);
}

/** @throws {MinferenceError} RUNTIME_FAILED */
function checkLoss(loss: Float32Array): void {
  const index = loss.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return;
  throw new MinferenceError(
    'RUNTIME_FAILED',
    `expected a finite likelihood of every token, found ${loss[index]} at token ${index + 1}`,
    {
      hint:
        'activations overflow in this variant of the model on this text: use another one (--variant), such as fp32; ' +
        'dense attention alone shows whether the patterns matter',
    },
  );
}
