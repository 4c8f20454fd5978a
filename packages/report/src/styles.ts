/**
 * The style sheet of the page. Series have the color-blind safe colors of Okabe and Ito. Every pair of text and background
 * has a contrast of at least 4.5 in both color schemes (tested). Print is always light.
 */
export const STYLES = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #1a1f26; --muted: #55606e; --line: #d5dae1; --grid: #e6e9ee;
  --link: #0b57b0; --focus: #0b57b0; --right: #0a6640; --wrong: #b3261e; --alarm: #fdf0e6;
  --good: #0072b2; --anomalous: #d55e00; --fused: #1a1f26; --s0: #0072b2; --s1: #c24f00; --s2: #007a5a; --s3: #a8487f;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #14171c; --card: #1d2127; --text: #e8ebef; --muted: #a6b0bd; --line: #3a424d; --grid: #2b3139;
    --link: #8ab8ff; --focus: #8ab8ff; --right: #6fd3a0; --wrong: #ff9c8f; --alarm: #33271d;
    --good: #56b4e9; --anomalous: #f0a35c; --fused: #f4f6f8; --s0: #56b4e9; --s1: #f0a35c; --s2: #4fd0a8; --s3: #e29bc6;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0 auto; padding: 0 1.25rem 3rem; max-width: 82rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Arial, sans-serif; overflow-wrap: anywhere; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: -100rem; padding: .5rem 1rem; background: var(--card); }
.skip:focus { left: 1rem; top: 1rem; }
header { padding: 2.25rem 0 .5rem; }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; }
header p { margin: .5rem 0 0; color: var(--muted); max-width: 60rem; }
h2 { margin: 2.75rem 0 .75rem; padding-bottom: .35rem; border-bottom: 2px solid var(--line); font-size: 1.4rem; }
h3 { margin: 1.5rem 0 .6rem; font-size: 1.05rem; }
h4 { margin: 0; font-size: .95rem; }
p { max-width: 60rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .75rem 0 0; padding: 0; list-style: none; }
nav a { display: inline-block; padding: .25rem 0; }
.note, .count, figcaption { color: var(--muted); }
.note { font-size: .9rem; }
.count { font-weight: normal; }
.card { margin: 0; padding: 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; min-width: 0; }
.card > h3, .card > h4, .card .scroll:first-child caption { margin-top: 0; padding-top: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 10rem), 1fr)); gap: 1rem; margin: 1.25rem 0; padding: 0; list-style: none; }
.tile { padding: 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
.tile span { display: block; }
.tile-value { font-size: 1.9rem; font-weight: 650; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile-label { font-weight: 600; }
.tile-note { color: var(--muted); font-size: .9rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; align-items: start; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
.chart { display: block; width: 100%; height: auto; }
svg text { fill: var(--muted); font-size: 12px; font-family: inherit; }
.axis line, .axis-line { stroke: var(--muted); stroke-width: 1; }
.axis .grid { stroke: var(--grid); }
svg .axis-label { font-size: 12.5px; }
svg .side, svg .row-label, svg .threshold-label { fill: var(--text); font-weight: 600; }
.threshold { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 5 3; }
.mark { stroke: var(--muted); stroke-width: 1; stroke-dasharray: 3 3; }
.alarm-side { fill: var(--alarm); }
.bar-good { fill: var(--good); }
.bar-anomalous { fill: var(--anomalous); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.series-fused { stroke: var(--fused); stroke-width: 2.5; }
.series-0 { stroke: var(--s0); stroke-dasharray: 7 3; }
.series-1 { stroke: var(--s1); stroke-dasharray: 2 3; }
.series-2 { stroke: var(--s2); stroke-dasharray: 9 3 2 3; }
.series-3 { stroke: var(--s3); stroke-dasharray: 4 4; }
svg .count-label { font-size: 11px; }
.measure { margin: .5rem 0 0; font-size: .82rem; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin: 0; padding: 0; list-style: none; color: var(--text); font-size: .9rem; }
.swatch { width: 28px; height: 8px; vertical-align: middle; }
.legend strong { font-variant-numeric: tabular-nums; font-weight: 600; }
.card .note { margin: .5rem 0 0; font-size: .82rem; }
.scroll { overflow-x: auto; margin: 1rem 0; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
.card .scroll { margin: 0 0 1rem; border: 0; border-radius: 0; }
.card caption, .card th:first-child { padding-left: 0; }
.card caption span { left: 0; }
.card th:last-child, .card td:last-child { padding-right: 0; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; overflow-wrap: normal; }
caption { padding: .75rem 1rem .4rem; text-align: left; font-weight: 600; font-size: 1rem; }
caption span { display: inline-block; position: sticky; left: 1rem; max-width: calc(100vw - 5rem); }
th, td { padding: .45rem 1rem; text-align: left; vertical-align: top; border-top: 1px solid var(--grid); }
thead th { border-top: 0; color: var(--muted); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 600; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
.right { color: var(--right); }
.wrong { color: var(--wrong); }
.outcome { font-weight: 700; }
details { margin: 1rem 0; }
summary { cursor: pointer; padding: .4rem 0; font-weight: 600; color: var(--link); }
.heat-legend { margin: 1rem 0; display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; }
.heat-legend svg { width: 20rem; max-width: 100%; height: auto; flex: none; }
.heat-legend figcaption { flex: 1 1 18rem; font-size: .9rem; }
.gallery { display: grid; gap: 1rem; margin: 0; padding: 0; list-style: none; }
.compact { grid-template-columns: repeat(auto-fill, minmax(min(100%, 34rem), 1fr)); }
.image p { margin: .15rem 0 .6rem; }
.panels { display: grid; grid-template-columns: repeat(5, minmax(0, 14rem)); gap: .6rem; }
.panels figure { margin: 0; min-width: 0; }
.panels img { display: block; width: 100%; height: auto; border-radius: .25rem; background: var(--grid); }
.panels figcaption { margin-top: .2rem; font-size: .82rem; }
.panels b { color: var(--text); font-variant-numeric: tabular-nums; }
.figure { margin: 1rem 0; }
.figure img { display: block; max-width: 100%; height: auto; border-radius: .25rem; }
.figure figcaption { margin-top: .3rem; font-size: .9rem; }
.facts { margin: 0; }
.facts div { display: grid; grid-template-columns: minmax(9rem, 14rem) 1fr; gap: .25rem 1.25rem; padding: .5rem 0; border-top: 1px solid var(--line); }
.facts dt { font-weight: 600; }
.facts dd { margin: 0; min-width: 0; }
code { font: .88rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; white-space: pre-wrap; }
footer { margin-top: 3rem; padding-top: .5rem; border-top: 1px solid var(--line); color: var(--muted); font-size: .85rem; }
@media (min-width: 60rem) { .wide svg text { font-size: 10px; } }
@media (max-width: 40rem) {
  body { padding: 0 1rem 2rem; }
  .facts div { grid-template-columns: 1fr; }
  .panels { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  th, td { padding: .4rem .6rem; }
  thead th.number { min-width: 7rem; }
  .card td.number { white-space: normal; }
  .card thead th.number { min-width: 0; }
  .tiles { gap: .6rem; }
  .tile { padding: .7rem; }
  .tile-value { font-size: 1.5rem; }
}
@media print {
  body { max-width: none; padding: 0; background: #fff; font-size: 10pt; }
  nav, .skip { display: none; }
  .card, .tile, .scroll, figure, tr, h2, h3 { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; }
  .columns, .charts { grid-template-columns: 1fr 1fr; }
  table { font-size: 8pt; }
  tbody th { overflow-wrap: anywhere; min-width: 6em; }
  th, td { padding: .2rem .4rem; }
  .tiles { grid-template-columns: repeat(4, 1fr); }
  details::details-content { content-visibility: visible; block-size: auto; }
  .bar, .alarm-side, .heat-legend svg, .panels img, .figure img { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;

/** SHA-256 of {@link STYLES} in base64, for the content security policy of the page (tested). */
export const STYLES_SHA256 = 'BX2FbPIDzblY4g08sPGQEZadN8akvVusrbgqc3SKZhM=';
