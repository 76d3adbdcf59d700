import { mean, median } from '../../utils/statistics.js';
import { BASELINE } from '../harness/summarize.js';
import { studentInterval } from '../stats/student.js';
import type { Measurement, PplRow } from './results.js';

/** What the methods made of one document at one length, by method. */
export type MeasuredDocument = ReadonlyMap<string, Measurement>;

/** −ln of the probability of a token, the mean over a document's. */
const lossOf = ({ loss, tokens }: Measurement) => loss / tokens;
const perplexityOf = (measurement: Measurement) => Math.exp(lossOf(measurement));

/**
 * A method at a length over all documents; undefined where it has no measurement.
 *
 * @param failed documents that the method failed on
 */
export function summarizeRow(
  documents: readonly MeasuredDocument[],
  { length, method, failed }: Pick<PplRow, 'length' | 'method' | 'failed'>,
): PplRow | undefined {
  const own = documents.flatMap((document) => document.get(method) ?? []);
  if (own.length === 0) return undefined;
  const tokens = sumOf(own, ({ tokens }) => tokens);
  const computed = own.flatMap(({ computed }) => computed ?? []);
  return {
    length,
    method,
    documents: own.length,
    tokens,
    perplexity: rounded(mean(own.map(perplexityOf))),
    perplexity_by_token: rounded(Math.exp(sumOf(own, ({ loss }) => loss) / tokens)),
    ...compare(documents, method),
    failed,
    windows: own[0]!.windows,
    computed: computed.length === 0 ? null : rounded(mean(computed)),
    prefill_ms: rounded(median(own.map(({ prefill_ms }) => prefill_ms))),
  };
}

const NO_COMPARISON = {
  difference: null,
  difference_low: null,
  difference_high: null,
  ratio: null,
  ratio_low: null,
  ratio_high: null,
  speedup: null,
};

/** With dense, over the documents that both have. */
function compare(documents: readonly MeasuredDocument[], method: string) {
  const pairs = documents.flatMap((document) => {
    const [dense, own] = [document.get(BASELINE), document.get(method)];
    return dense && own ? [{ dense, own }] : [];
  });
  if (method === BASELINE || pairs.length === 0) return NO_COMPARISON;
  const differences = pairs.map(({ dense, own }) => perplexityOf(own) - perplexityOf(dense));
  // All documents have the same number of tokens at a length: the mean over tokens is that over documents.
  const losses = pairs.map(({ dense, own }) => lossOf(own) - lossOf(dense));
  const [ofDifferences, ofLosses] = [studentInterval(differences), studentInterval(losses)];
  const times = (which: 'dense' | 'own') => median(pairs.map((pair) => pair[which].prefill_ms));
  return {
    difference: rounded(mean(differences)),
    difference_low: ofDifferences && rounded(ofDifferences[0]),
    difference_high: ofDifferences && rounded(ofDifferences[1]),
    ratio: rounded(Math.exp(mean(losses))),
    ratio_low: ofLosses && rounded(Math.exp(ofLosses[0])),
    ratio_high: ofLosses && rounded(Math.exp(ofLosses[1])),
    speedup: times('own') > 0 ? Number((times('dense') / times('own')).toPrecision(4)) : null,
  };
}

const sumOf = (list: readonly Measurement[], value: (measurement: Measurement) => number) =>
  list.reduce((sum, measurement) => sum + value(measurement), 0);

/** Six digits: of a perplexity, about what float32 logits hold. */
const rounded = (value: number) => Number(value.toPrecision(6));
