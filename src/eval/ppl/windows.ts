/** A part of a document that is read in one prefill. */
export interface Window {
  /** Its first token. */
  start: number;
  /** Behind its last token. */
  end: number;
  /** How many tokens at its end are scored; those before them were scored in an earlier window, and are context here. */
  scored: number;
}

/**
 * Windows that score every token of a document once, but for the first, which has nothing before it: one window where the
 * document fits, else windows that move on by `stride`, so that every token but the first ones has at least
 * `window` − `stride` tokens before it.
 */
export function windowsOf(tokens: number, window: number, stride: number): Window[] {
  const windows: Window[] = [];
  // The first token counts as scored: nothing comes before it.
  let scored = 1;
  for (let start = 0; scored < tokens; start += stride) {
    const end = Math.min(start + window, tokens);
    windows.push({ start, end, scored: end - scored });
    scored = end;
  }
  return windows;
}
