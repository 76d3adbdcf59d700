import { borderNearest, type Essays, takeWords } from './essays.js';

/** A sentence to be hidden at a depth (0 = start of the haystack, 1 = its end). */
export interface Hidden {
  text: string;
  depth: number;
}

const byDepth = (needles: readonly Hidden[]) => [...needles].sort((a, b) => a.depth - b.depth);

/** Lines with needles between them as lines of their own. Needles of one depth keep their order. */
export function hideInLines(lines: readonly string[], needles: readonly Hidden[]): string {
  const parts: (readonly string[])[] = [];
  let taken = 0;
  for (const { text, depth } of byDepth(needles)) {
    const before = Math.round(depth * lines.length);
    parts.push(lines.slice(taken, before), [text]);
    taken = before;
  }
  return [...parts, lines.slice(taken)].flat().join('\n');
}

/** `count` words of essays from `start` on, with needles between their sentences. */
export function hideInEssays(
  essays: Essays,
  { start, count }: { start: number; count: number },
  needles: readonly Hidden[],
): string {
  const words = takeWords(essays, start, count);
  const parts: (readonly string[])[] = [];
  let taken = 0;
  for (const { text, depth } of byDepth(needles)) {
    const before = borderNearest(essays, { start, count, depth });
    parts.push(words.slice(taken, before), [text]);
    taken = Math.max(taken, before);
  }
  return [...parts, words.slice(taken)].flat().join(' ');
}
