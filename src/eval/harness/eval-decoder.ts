import type { Decoder } from '../../prefill/decoder.js';

/** What an evaluation needs of an open decoder. */
export type EvalDecoder = Pick<
  Decoder,
  | 'directory'
  | 'tokenizer'
  | 'layers'
  | 'leftAlone'
  | 'numLayers'
  | 'fingerprint'
  | 'filesHash'
  | 'device'
  | 'prefill'
  | 'generate'
>;
