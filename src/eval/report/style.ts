import { darkStyle } from '../../plot/dark-style.js';

/** The page's whole style: no font, picture or script comes from elsewhere. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1a1a1a; --faint: #5c5c5c; --ground: #ffffff; --line: #dcdcdc; --band: #f5f6f8;
  --better: #006b4f; --worse: #a8340a; --care: #fff6e0; --care-line: #d99a00; }
@media screen and (prefers-color-scheme: dark) {
:root { --ink: #e6e6e6; --faint: #a3a8b0; --ground: #16181d; --line: #3a3f47; --band: #1f2228;
  --better: #4cd3a5; --worse: #ff9466; --care: #33290f; --care-line: #b98500; }
${darkStyle('.drawing')}
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 76rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.35rem; line-height: 1.25; margin: 2.5rem 0 .5rem; }
h3 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
h4 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p, ul, dl { margin: .5rem 0; }
section section { border-top: 1px solid var(--line); margin-top: 2rem; }
section section h3 { margin-top: 1rem; }
.lede, .legend, small, caption { color: var(--faint); }
.legend { font-size: .87rem; padding-left: 1.1rem; }
.care { list-style: none; padding: .5rem .9rem; border-left: 4px solid var(--care-line); background: var(--care); }
.better { color: var(--better); }
.worse { color: var(--worse); }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .75rem 0; overflow-wrap: normal; }
caption { text-align: left; font-size: .87rem; padding-bottom: .25rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem; border-bottom: 1px solid var(--line); }
th.number, td.number { text-align: right; white-space: nowrap; }
thead th { border-bottom: 2px solid var(--line); }
thead th.number { white-space: normal; vertical-align: bottom; }
tbody th bdi { display: inline-block; width: max-content; max-width: 15rem; overflow-wrap: anywhere; }
tbody th { font-weight: 600; background: var(--ground); position: sticky; left: 0; }
td { min-width: 4.5rem; }
small { display: block; font-size: .78rem; line-height: 1.35; }
dt small { display: inline; margin-left: .4rem; }
small.better { color: var(--better); }
small.worse { color: var(--worse); }
.drawings { display: flex; flex-wrap: wrap; gap: .75rem; margin: .75rem 0; }
.drawings.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 23rem), 1fr)); }
.drawings.row .drawing { width: max-content; }
.drawing svg { display: block; width: 100%; height: auto; }
details { margin: 1rem 0; }
summary { cursor: pointer; font-weight: 600; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) minmax(0, 1fr); gap: .15rem .9rem; font-size: .9rem; }
dt { color: var(--faint); max-width: 14rem; }
dd { margin: 0; }
.example { background: var(--band); border-radius: 6px; padding: .5rem .8rem; margin: .6rem 0; }
.example p { margin: 0 0 .3rem; }
code { padding: 0 .3rem; background: var(--band); border-radius: 3px; }
.example code { padding: 0; }
pre { margin: 0; white-space: pre-wrap; }
pre, code { font: .85rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
nav li { margin: .15rem 0; }
a { color: inherit; }
@media (max-width: 40rem) {
body { padding: 1rem .75rem 3rem; font-size: 14px; }
th, td { padding: .3rem .5rem; }
tbody th bdi { max-width: 8rem; }
dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
dd { margin-bottom: .4rem; }
}
@media print {
body { max-width: none; padding: 0; font-size: 11px; }
.scroll { overflow: visible; }
tbody th { position: static; }
.drawings.grid { grid-template-columns: 1fr 1fr; }
.drawing div { min-width: 0 !important; }
tr, .drawing, .example { break-inside: avoid; }
h2, h3, h4, h3 + p { break-after: avoid; }
.example { border: 1px solid var(--line); }
details::details-content { content-visibility: visible; block-size: auto; display: block; }
}
`;
