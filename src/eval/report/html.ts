import { escapeXml } from '../../plot/svg.js';
import { printable } from './printable.js';

/** Markup; made by {@link html} and {@link trusted} only, so that text cannot be taken for it. */
export class Html {
  constructor(readonly markup: string) {}
}

type Value = Html | string | number | false | null | undefined | readonly Value[];

/**
 * Markup with values put in: texts and numbers escaped, markup as it is, lists joined, nothing for false, null and
 * undefined. Attributes are written with double quotes.
 */
export const html = (parts: TemplateStringsArray, ...values: readonly Value[]): Html =>
  new Html(parts.map((part, index) => (index === 0 ? part : toMarkup(values[index - 1]) + part)).join(''));

/** Markup that is known to be well-formed, such as a drawing of ours. */
export const trusted = (markup: string): Html => new Html(markup);

function toMarkup(value: Value): string {
  if (value instanceof Html) return value.markup;
  if (Array.isArray(value)) return value.map(toMarkup).join('');
  if (value === false || value === null || value === undefined) return '';
  return escapeXml(printable(String(value)));
}
