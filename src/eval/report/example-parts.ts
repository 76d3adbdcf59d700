import { formatQuantity } from '../../utils/format.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import type { Answer } from '../harness/results.js';
import type { Example, MethodExamples } from './examples.js';
import { type Html, html, trusted } from './html.js';
import { shorten } from './printable.js';

const MAX_ANSWER = 500;
const MAX_REFERENCE = 120;
const MAX_REFERENCES = 6;

/** What a method gained and lost against dense attention, with both answers; folded unless `open`. */
export const examplesMarkup = ({ method: { label }, gained, lost }: MethodExamples, open: boolean): Html => html`
<details${gained.count + lost.count > 0 && open && trusted(' open=""')}>
<summary><bdi>${label}</bdi>: ${tally(gained.count, lost.count)}</summary>
${lost.shown.map((example) => exampleMarkup('lost', label, example))}
${gained.shown.map((example) => exampleMarkup('gained', label, example))}
</details>
`;

function tally(gained: number, lost: number): string {
  if (gained + lost === 0) return 'every answer is as good as with dense attention';
  return `${formatQuantity(gained, 'answer')} better and ${lost} worse than with dense attention`;
}

function exampleMarkup(kind: 'gained' | 'lost', label: string, { prompt, dense, own }: Example): Html {
  const { task, length, depth, sample, references } = prompt;
  const place = [
    `${task} at ${formatTokenCount(length)}`,
    ...(depth === null ? [] : [`depth ${depth} %`]),
    `sample ${sample}`,
  ];
  return html`
<div class="example">
<p><strong class="${kind === 'lost' ? 'worse' : 'better'}">${kind}</strong> ${place.join(', ')}</p>
<dl>
<dt>expected</dt><dd>${referencesText(references)}</dd>
${answerMarkup('dense', dense)}
${answerMarkup(label, own)}
</dl>
</div>
`;
}

function referencesText(references: readonly string[]): Html {
  const more = references.length - MAX_REFERENCES;
  const shown = references
    .slice(0, MAX_REFERENCES)
    .map((text) => html`<code dir="auto">${shorten(text, MAX_REFERENCE)}</code> `);
  return html`${shown}${more > 0 && `and ${more} more`}`;
}

const answerMarkup = (name: string, { prediction, score, stopped }: Answer): Html => html`
<dt><bdi>${name}</bdi><small>${(100 * score).toFixed(1)}${stopped === 'length' && ', cut off'}</small></dt>
<dd><pre dir="auto">${prediction.trim() === '' ? '(nothing)' : shorten(prediction.trim(), MAX_ANSWER)}</pre></dd>`;
