/** Narrower than this, wrapping would only scatter the words. */
const MIN_ROOM = 20;

/**
 * Breaks a text at spaces into the lines that fit beside an indentation; words that are longer stay whole.
 *
 * @param columns width of the terminal; undefined: the text stays one line
 */
export function wrapText(text: string, columns: number | undefined, indent: number): string[] {
  if (columns === undefined) return [text];
  const room = Math.max(MIN_ROOM, columns - indent);
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= room) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
