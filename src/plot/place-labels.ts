import { textWidth } from './svg.js';

export interface Box {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

export interface PlacedLabel {
  /** Of the text's base line. */
  x: number;
  y: number;
  anchor: 'start' | 'middle' | 'end';
}

/** Half the side of a marker. */
const MARKER = 6;
const OFFSET = 9;

/**
 * Places for the names of points where they cover neither a marker nor another name, within the frame; null where there
 * is none. Earlier names have the first choice.
 */
export function placeLabels(
  points: readonly { x: number; y: number; name: string }[],
  frame: Box,
  fontSize: number,
): (PlacedLabel | null)[] {
  const taken: Box[] = points.map(({ x, y }) => ({ x0: x - MARKER, y0: y - MARKER, x1: x + MARKER, y1: y + MARKER }));
  return points.map(({ x, y, name }) => {
    const width = textWidth(name, fontSize);
    for (const place of candidates(x, y)) {
      const left = place.x - { start: 0, middle: width / 2, end: width }[place.anchor];
      const box = { x0: left, y0: place.y - fontSize * 0.8, x1: left + width, y1: place.y + fontSize * 0.25 };
      const inside = box.x0 >= frame.x0 && box.x1 <= frame.x1 && box.y0 >= frame.y0 && box.y1 <= frame.y1;
      if (!inside || taken.some((other) => overlap(box, other))) continue;
      taken.push(box);
      return place;
    }
    return null;
  });
}

const candidates = (x: number, y: number): PlacedLabel[] => [
  { x: x + OFFSET, y: y + 4, anchor: 'start' },
  { x: x - OFFSET, y: y + 4, anchor: 'end' },
  { x, y: y - OFFSET, anchor: 'middle' },
  { x, y: y + OFFSET + 9, anchor: 'middle' },
  ...[-10, 18, -24, 32].flatMap((shift): PlacedLabel[] => [
    { x: x + OFFSET, y: y + shift, anchor: 'start' },
    { x: x - OFFSET, y: y + shift, anchor: 'end' },
  ]),
];

const overlap = (a: Box, b: Box) => a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;
