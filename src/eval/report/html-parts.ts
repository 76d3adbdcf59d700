import type { Fact } from './facts.js';
import { type Html, html, trusted } from './html.js';
import type { Cell, Column, ReportTable } from './table.js';

/** Drawings may shrink to this share of their size before they scroll: letters stay readable. */
const MIN_SCALE = 0.75;

/** A table in a box of its own, in which it scrolls. */
export const tableMarkup = ({ caption, columns, rows }: ReportTable): Html => html`
<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
<table>
<caption>${caption}</caption>
<thead><tr>${columns.map(({ title, align }) => html`<th scope="col"${alignment(align)}>${title}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${row.map((cell, index) => cellMarkup(cell, columns[index], index === 0))}</tr>\n`)}</tbody>
</table>
</div>
`;

const toneClass = (tone: Cell['tone']) => tone && html` class="${tone}"`;
const alignment = (align: Column['align']) => align === 'right' && trusted(' class="number"');

function cellMarkup({ text, tone, notes = [] }: Cell, column: Column | undefined, isHead: boolean): Html {
  const content = html`<bdi${toneClass(tone)}>${breakable(text)}</bdi>${notes.map((note) => html`<small${toneClass(note.tone)}>${note.text}</small>`)}`;
  return isHead ? html`<th scope="row">${content}</th>` : html`<td${alignment(column?.align)}>${content}</td>`;
}

/** Names of methods may break between their parts, before they break within a number. */
const breakable = (text: string) => text.split(/(?<=[:,_/])/).map((part) => html`${part}<wbr/>`);

/** Drawings side by side, as many as there is room for: of the same size in a grid, where they may shrink a little. */
export const drawingsMarkup = (drawings: readonly string[], layout: 'grid' | 'row' = 'grid'): Html => html`
<div class="drawings ${layout}">
${drawings.map(drawingMarkup)}</div>
`;

function drawingMarkup(svg: string): Html {
  const width = Number(/^<svg[^>]* width="(\d+)"/.exec(svg)?.[1]);
  return html`<div class="scroll drawing" style="max-width:${width}px"><div style="min-width:${Math.round(MIN_SCALE * width)}px">${trusted(svg)}</div></div>\n`;
}

/** Titles and what they say. */
export const factsMarkup = (facts: readonly Fact[]): Html => html`
<dl>
${facts.map(([title, value]) => html`<dt>${title}</dt><dd><bdi>${value}</bdi></dd>\n`)}</dl>
`;

export const listMarkup = (items: readonly string[], className: string): Html | false =>
  items.length > 0 &&
  html`
<ul class="${className}">
${items.map((item) => html`<li>${item}</li>\n`)}</ul>
`;
