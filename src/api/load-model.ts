import { Decoder, type DecoderOptions } from '../prefill/decoder.js';

/**
 * Finds a model, replaces its attention by `SparseAttention` and loads it.
 *
 * @example
 * using model = await loadModel({ model: './llama-3.2-1b', variant: 'q4' });
 *
 * @throws {MinferenceError} MODEL_NOT_FOUND, MODEL_INVALID, MODEL_NO_ATTENTION, TOKENIZER_INVALID, NETWORK, NATIVE_*,
 *   DEVICE_UNAVAILABLE, RUNTIME_FAILED
 */
export function loadModel(options: DecoderOptions = {}): Promise<Decoder> {
  return Decoder.open(options);
}
