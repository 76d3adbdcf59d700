import wrapAnsi from 'wrap-ansi';

/** Narrower than this, wrapping would only scatter the words. */
const MIN_ROOM = 20;

/**
 * Breaks a text at spaces into the lines that fit beside an indentation; words that are longer stay whole. Colours take no
 * room, and wide characters two columns.
 *
 * @param columns width of the terminal; undefined: the text stays one line
 */
export function wrapText(text: string, columns: number | undefined, indent: number): string[] {
  if (columns === undefined) return [text];
  return wrapAnsi(text, Math.max(MIN_ROOM, columns - indent)).split('\n');
}
