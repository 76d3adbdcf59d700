import { z } from 'zod';
import { MinferenceError } from '../errors.js';
import { MAX_TOKEN_IDS } from './limits.js';

/** A count that must be there to be of use: positive and bounded. */
export const count = (max: number) => z.int().min(1).max(max);

/** Token ids as configs write them: one, several, null, or −1 for "none". */
export const tokenIds = z.union([z.int().min(-1), z.array(z.int().min(-1)).max(MAX_TOKEN_IDS)]).nullish();

/** What the tools need to know about a decoder, whichever file it came from; checked and bounded by that file's schema. */
export interface ModelConfig {
  /** The architecture's name in the config, for example `llama`. */
  modelType: string;
  numLayers: number;
  /** Query heads per layer. */
  numHeads: number;
  /** Key-value heads per layer; divides numHeads. */
  numKvHeads: number;
  headDim: number;
  vocabSize: number;
  /** Positions the model was made for, prompt and answer together. */
  contextLength: number;
  bosTokenIds: number[];
  /** Any of them ends the answer. */
  eosTokenIds: number[];
  padTokenId: number | null;
  /** Width of the residual stream and of the MLP; only memory estimates use them. */
  hiddenSize?: number;
  intermediateSize?: number;
  /** genai_config.json names the graph's inputs and outputs; the graph must have them. */
  ioNames?: string[];
  /** What it says runs hand on, one entry for each kind of state: names by layer, of which a graph may have some only. */
  stateNames?: StateNames[];
}

/** A kind of state, such as keys: its name before and after a run for every layer of the model. */
export interface StateNames {
  past: string[];
  present: string[];
}

/** Ids as a list without the "none" values and those outside the vocabulary, which can never occur. */
export function tokenIdList(ids: z.infer<typeof tokenIds>, vocabSize: number): number[] {
  const list = ids === null || ids === undefined ? [] : Array.isArray(ids) ? ids : [ids];
  return [...new Set(list)].filter((id) => id >= 0 && id < vocabSize);
}

/** Checks what one field alone cannot show. */
export function checkHeads(
  file: string,
  heads: { numHeads: number; numKvHeads: number },
  fields: { numHeads: string; numKvHeads: string },
): void {
  if (heads.numHeads % heads.numKvHeads === 0) return;
  throw new MinferenceError(
    'MODEL_INVALID',
    `${file}: expected "${fields.numHeads}" to be a multiple of "${fields.numKvHeads}", ` +
      `found ${heads.numHeads} and ${heads.numKvHeads}`,
    { hint: 'Correct the two fields, or export the model again.' },
  );
}
