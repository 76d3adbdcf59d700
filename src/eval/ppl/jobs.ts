import type { Decoder } from '../../prefill/decoder.js';
import { rotated } from '../../utils/rotated.js';
import { workOf } from '../harness/work.js';
import { hashPatterns, type Method } from '../methods/method.js';
import type { ChosenDocuments, TokenizedDocument } from './choose-documents.js';
import type { Place } from './measurements.js';
import type { PplPlan } from './plan.js';
import { windowsOf } from './windows.js';

/** What perplexity needs of an open decoder. */
export type PplDecoder = Pick<
  Decoder,
  | 'directory'
  | 'tokenizer'
  | 'layers'
  | 'leftAlone'
  | 'numLayers'
  | 'fingerprint'
  | 'filesHash'
  | 'device'
  | 'likelihood'
>;

/** A document at a length by a method. */
export interface Job extends Place {
  /** All its tokens, of which the job reads the first. */
  ids: Int32Array;
  how: Method;
  /** See workOf. */
  work: number;
}

/** The patterns of a length are those of its windows. */
export const patternLength = (length: number, { window }: Pick<PplPlan, 'window'>): number => Math.min(length, window);

/** Everything to be measured: document by document, each length with all methods, which take turns at being first. */
export function jobsOf({
  plan,
  methods,
  chosen,
  decoder,
}: {
  plan: PplPlan;
  methods: readonly Method[];
  chosen: ChosenDocuments;
  decoder: PplDecoder;
}) {
  const ofLength = (document: TokenizedDocument, index: number) => (length: number, turn: number) =>
    rotated(methods, index + turn).map((how): Job => {
      const windows = windowsOf(length, plan.window, plan.stride);
      const ofWindow = ({ start, end }: { start: number; end: number }) =>
        workOf(decoder, { length: end - start }, how);
      return {
        document: { name: document.name, sha256: document.sha256 },
        length,
        method: how.name,
        patterns_sha256: hashPatterns(how, patternLength(length, plan)),
        ids: document.ids,
        how,
        work: windows.reduce((sum, window) => sum + ofWindow(window), 0),
      };
    });
  return chosen.documents.flatMap((document, index) => plan.lengths.flatMap(ofLength(document, index)));
}
