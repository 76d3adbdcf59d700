import { Decoder, type DecoderOptions } from './decoder.js';

/**
 * Loads a decoder model: from a folder, an .onnx file, a Hub id, or the embedded one. Dispose it when done (`using`).
 *
 * @throws MinferenceError as {@link Decoder.open}
 */
export function loadModel(options: DecoderOptions = {}): Promise<Decoder> {
  return Decoder.open(options);
}
