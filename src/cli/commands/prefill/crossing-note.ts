import type { Decoder } from '../../../prefill/decoder.js';
import { formatCount } from '../../../utils/format.js';

/** Said before a run whose answer may go where the model's tables of angles change (LongRoPE); null for all others. */
export function crossingNote(
  { tableSwitch, directory }: Pick<Decoder, 'tableSwitch' | 'directory'>,
  promptTokens: number,
  maxNewTokens: number,
): string | null {
  const end = Math.min(promptTokens + maxNewTokens, directory.config.contextLength);
  if (tableSwitch === null || promptTokens > tableSwitch || end <= tableSwitch) return null;
  return (
    `the answer may go beyond token ${formatCount(tableSwitch)}, where this model changes its angles: prompt and answer use ` +
    `those for long contexts from the first token on (not with --max-new-tokens ${tableSwitch - promptTokens})`
  );
}
