/** Fonts that are there wherever an SVG is shown, so that none needs to be embedded. */
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

export const GROUND = '#ffffff';
export const INK = '#1a1a1a';
export const FAINT_INK = '#5c5c5c';
export const GRID_INK = '#dcdcdc';

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** An SVG element as text; numbers keep two decimals. Children are markup: escape text with {@link escapeXml}. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const list = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? round(value) : escapeXml(value!)}"`);
  const open = `<${name}${list.join('')}`;
  return children.length === 0 ? `${open}/>` : `${open}>${children.join('')}</${name}>`;
}

/** A line of text; `attributes` add to ink and anchor. */
export const label = (x: number, y: number, text: string, attributes: Attributes = {}): string =>
  element('text', { x, y, fill: INK, ...attributes }, escapeXml(text));

/** A whole drawing on a white ground, with its title for screen readers. */
export function svgDocument(size: { width: number; height: number }, title: string, body: readonly string[]): string {
  const { width, height } = { width: Math.ceil(size.width), height: Math.ceil(size.height) };
  const root = element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'font-family': FONT,
      'font-size': 12,
    },
    '\n',
    `${element('title', {}, escapeXml(title))}\n`,
    `${element('rect', { width, height, fill: GROUND })}\n`,
    ...body.map((part) => `${part}\n`),
  );
  return `${root}\n`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text for SVG: markup characters as entities, characters that XML forbids left out. */
export function escapeXml(text: string): string {
  return text.replace(FORBIDDEN, '').replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is left out
const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu;

/** Width of a text, estimated from the mean width of sans-serif letters. */
export const textWidth = (text: string, fontSize: number): number => text.length * fontSize * 0.56;

/** The text, shortened with … where it would be wider. */
export function fitText(text: string, width: number, fontSize: number): string {
  const characters = Math.max(1, Math.floor(width / (fontSize * 0.56)));
  return text.length <= characters ? text : `${text.slice(0, characters - 1).trimEnd()}…`;
}

const round = (value: number) => String(Math.round(value * 100) / 100);
