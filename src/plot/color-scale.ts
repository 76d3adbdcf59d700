import { rgb } from 'd3-color';
import { scaleLinear } from 'd3-scale';

/** Viridis: even in lightness, readable with every kind of colour blindness and in print. */
const STOPS = [
  '#440154',
  '#482475',
  '#414487',
  '#355f8d',
  '#2a788e',
  '#21918c',
  '#22a884',
  '#44bf70',
  '#7ad151',
  '#bddf26',
  '#fde725',
] as const;

const place = (index: number) => index / (STOPS.length - 1);
const scale = scaleLinear<string>(
  STOPS.map((_, index) => place(index)),
  STOPS,
).clamp(true);

/** Colour of a share from 0 to 1. */
export const scaleColor = (share: number): string => rgb(scale(share)).formatHex();

/** Black or white, whichever reads better on that colour (WCAG contrast). */
export function inkOn(share: number): string {
  const { r, g, b } = rgb(scale(share));
  const [red, green, blue] = [r, g, b].map((channel) => {
    const value = channel / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return luminance + 0.05 > Math.sqrt(1.05 * 0.05) ? '#000000' : '#ffffff';
}

/** The scale as the stops of an SVG gradient. */
export const scaleStops = (): { offset: string; color: string }[] =>
  STOPS.map((color, index) => ({ offset: `${100 * place(index)}%`, color }));
