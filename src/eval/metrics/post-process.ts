// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
const CONTROL = /[\x00-\x1f]/g;

/** What RULER does to an answer before it is scored: trimmed, and every control character a line break. */
export function postProcess(prediction: string): string {
  return prediction.trim().replace(CONTROL, '\n').trim();
}
