type Rgb = readonly [number, number, number];

/** Viridis: even in lightness, readable with every kind of colour blindness and in print. */
const STOPS: readonly Rgb[] = [
  [68, 1, 84],
  [72, 36, 117],
  [65, 68, 135],
  [53, 95, 141],
  [42, 120, 142],
  [33, 145, 140],
  [34, 168, 132],
  [68, 191, 112],
  [122, 209, 81],
  [189, 223, 38],
  [253, 231, 37],
];

function interpolate(share: number): Rgb {
  const place = Math.min(1, Math.max(0, share)) * (STOPS.length - 1);
  const index = Math.min(STOPS.length - 2, Math.floor(place));
  const [from, to] = [STOPS[index]!, STOPS[index + 1]!];
  const mix = (channel: 0 | 1 | 2) => Math.round(from[channel] + (to[channel] - from[channel]) * (place - index));
  return [mix(0), mix(1), mix(2)];
}

const hex = (color: Rgb) => `#${color.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;

/** Colour of a share from 0 to 1. */
export const scaleColor = (share: number): string => hex(interpolate(share));

/** Black or white, whichever reads better on that colour (WCAG contrast). */
export function inkOn(share: number): string {
  const [red, green, blue] = interpolate(share).map((channel) => {
    const value = channel / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return luminance + 0.05 > Math.sqrt(1.05 * 0.05) ? '#000000' : '#ffffff';
}

/** The scale as the stops of an SVG gradient. */
export const scaleStops = (): { offset: string; color: string }[] =>
  STOPS.map((color, index) => ({ offset: `${(100 * index) / (STOPS.length - 1)}%`, color: hex(color) }));
