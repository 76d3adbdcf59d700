import { costCharts, depthMaps, lengthCharts } from './charts.js';
import { examplesMarkup } from './example-parts.js';
import { chooseExamples } from './examples.js';
import { conditions, details, headline } from './facts.js';
import { failureTable } from './failures.js';
import { type Html, html, trusted } from './html.js';
import { drawingsMarkup, factsMarkup, listMarkup, tableMarkup } from './html-parts.js';
import { legend, warnings } from './notes.js';
import { careTable, overviewTable, taskTables } from './score-tables.js';
import type { ReportSection } from './sections.js';
import { STYLE } from './style.js';

/** What can be mailed and opened on a phone. */
const MAX_BYTES = 4_800_000;
/** Examples of more methods than these are folded. */
const MAX_OPEN = 2;
/** Nothing but the page itself is ever loaded or run, whatever may stand in it. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** A part of a section; where there is not enough room, those that matter less are left out. */
interface Part {
  title: string;
  /** Small is important. */
  rank: number;
  markup(): Html | false;
}

/** A page of HTML without scripts and without anything outside of it, smaller than 5 MB. */
export function reportPage(sections: readonly ReportSection[]): string {
  const title = sections.length === 1 ? sections[0]!.title : `${sections.length} evaluations`;
  const parts = sections.map((section, index) => partsOf(section, `s${index}`));
  const markups = fillPage(parts.flat());
  const body = sections.map(
    (section, index) => html`
<section id="s${index}">
${sections.length > 1 && html`<h2>${section.title}</h2>`}
<p class="lede">${headline(section)}</p>
${listMarkup(warnings(section), 'care')}
${parts[index]!.map((part) => markups.get(part))}
</section>
`,
  );
  const page = html`<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="generator" content="minference.report/1"/>
<meta http-equiv="Content-Security-Policy" content="${POLICY}"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>${title}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<h1>${title}</h1>
${sections.length > 1 && html`<nav><ul>${sections.map((section, index) => html`<li><a href="#s${index}">${section.title}</a></li>`)}</ul></nav>`}
${body}
</body>
</html>
`;
  return `<!doctype html>\n${page.markup}`;
}

function partsOf(section: ReportSection, id: string): Part[] {
  return [
    {
      title: 'Scores',
      rank: 0,
      markup: () => html`${tableMarkup(overviewTable(section))}${listMarkup(legend(section), 'legend')}`,
    },
    { title: 'Accuracy by cost', rank: 1, markup: () => costMarkup(section) },
    { title: 'By length', rank: 2, markup: () => drawingsMarkup(lengthCharts(section)) },
    { title: 'By task', rank: 4, markup: () => html`${taskTables(section).map(tableMarkup)}` },
    { title: 'By depth and length', rank: 5, markup: () => depthMarkup(section, id) },
    { title: 'Missing, cut off, yes or no', rank: 3, markup: () => careMarkup(section) },
    { title: 'Answers that differ', rank: 6, markup: () => examplesPart(section) },
    { title: 'What was compared', rank: 3, markup: () => conditionsMarkup(section) },
  ];
}

/** Builds parts in the order of their rank while there is room for them. */
function fillPage(parts: readonly Part[]): Map<Part, Html> {
  let room = MAX_BYTES - Buffer.byteLength(STYLE);
  const built = new Map<Part, Html>();
  for (const part of [...parts].sort((a, b) => a.rank - b.rank)) {
    const content = part.markup();
    if (!content) continue;
    const size = Buffer.byteLength(content.markup);
    const fits = size <= room;
    if (fits) room -= size;
    built.set(
      part,
      html`
<section>
<h3>${part.title}</h3>
${fits ? content : html`<p>Left out: the page would be larger than 5 MB.</p>`}
</section>
`,
    );
  }
  return built;
}

function costMarkup(section: ReportSection): Html {
  const { drawings, unmeasured } = costCharts(section);
  if (drawings.length === 0) return html`<p>What attention computed was not measured.</p>`;
  return html`
<p>Up and to the left is better. Dashed: what no other method beats at the same cost or less.</p>
${drawingsMarkup(drawings)}
${unmeasured.length > 0 && html`<p>Not measured, so not shown: ${unmeasured.join(', ')}.</p>`}
`;
}

function depthMarkup(section: ReportSection, id: string): Html | false {
  const maps = depthMaps(section, id);
  return (
    maps.length > 0 && html`<p>Mean score over tasks, by the depth of the needle.</p>${drawingsMarkup(maps, 'row')}`
  );
}

function careMarkup(section: ReportSection): Html {
  const tables = [failureTable(section), careTable(section)].flatMap((table) => table ?? []);
  if (tables.length === 0) return html`<p>No answer is missing, and none was cut off by the limit of tokens.</p>`;
  return html`${tables.map(tableMarkup)}<p>Answers that reach the limit of tokens are cut off. Where yes and no are the answers, a long one is right by chance.</p>`;
}

function examplesPart({ methods, runs }: ReportSection): Html {
  const examples = chooseExamples(methods);
  return html`
${runs.flatMap(({ name, missing }) => (missing === null ? [] : [html`<p>No examples of ${name}: ${missing}.</p>\n`]))}
${examples.map((found) => examplesMarkup(found, examples.length <= MAX_OPEN))}
`;
}

const conditionsMarkup = ({ runs }: ReportSection): Html =>
  html`${runs.map(
    (run) => html`
<details>
<summary>${run.name}: model, device, version, data and hashes</summary>
${factsMarkup([...conditions(run.results), ...details(run)])}
</details>
`,
  )}`;
