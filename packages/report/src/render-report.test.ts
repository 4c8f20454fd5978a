import { attribute, parseDocument, problemsOf, textOf } from './document.test.util.js';
import type { GalleryImage } from './gallery-collector.js';
import { DOT, madeUpEvaluation, madeUpHistory } from './made-up.test.util.js';
import { renderReport, type ReportOptions } from './render-report.js';

const HOSTILE = [
  `<script>alert(1)</script>.png`,
  `"><img src=x onerror=alert(1)>.png`,
  `' onload='alert(1)' x='.png`,
  'photo\u202egnp.exe',
  '</style></title></textarea>--><svg onload=alert(1)>',
  '&lt;b&gt;&amp;.png',
  'nul\u0000 and \u001b[31m red \ud800.png',
];

function reportOf(options: Partial<ReportOptions> = {}): string {
  const evaluation = madeUpEvaluation({
    good: 12,
    anomalous: 16,
    types: ['missing_plug', 'scratch'],
    subsets: ['logical_anomalies', 'structural_anomalies'],
  });
  const gallery: GalleryImage[] = evaluation.samples.slice(8, 16).map((sample, index) => ({
    ...sample,
    group: index < 3 ? 'Worst misses' : 'Random sample',
    images: {
      width: 1,
      height: 1,
      input: DOT,
      ...(sample.label === 'anomalous' && { groundTruth: DOT }),
      fused: DOT,
      branches: { local: DOT, global: DOT },
    },
  }));
  return renderReport({
    title: 'tray: evaluation',
    evaluation,
    gallery,
    heatScale: { low: 3, threshold: 5 },
    training: madeUpHistory,
    calibration: {
      scores: [3, 4, 3.5],
      threshold: 5,
      falseAlarmRate: 0.05,
      guaranteed: false,
      images: 'held-out',
    },
    facts: [{ label: 'Command', value: 'dskd evaluate m.safetensors --data tray' }],
    ...options,
  });
}

test('is valid HTML, with landmarks, ordered headings, captions, scopes, alternative texts and unique ids', () => {
  expect(problemsOf(reportOf())).toEqual([]);
});

test('a comparison comes first; maps of several detectors have separate thresholds', () => {
  const { samples } = madeUpEvaluation({ good: 1, anomalous: 1, types: ['scratch'] });
  const image: GalleryImage = {
    ...samples[0]!,
    branchScores: { local: 4, other: 4 },
    thresholds: { other: 3 },
    images: { width: 1, height: 1, input: DOT, fused: DOT, branches: { local: DOT, other: DOT } },
  };
  const comparison = {
    title: 'Two <b>detectors</b>',
    columns: ['score', 'mean'],
    rows: [
      ['instant', '0.971'],
      ['dskd', 0.92],
    ],
  };
  const page = reportOf({ comparisons: [comparison], gallery: [image] });
  expect(problemsOf(page)).toEqual([]);
  const { elements } = parseDocument(page);
  const cells = elements.filter(({ tagName }) => ['caption', 'th', 'td'].includes(tagName)).map(textOf);
  expect(cells.slice(0, 7)).toEqual([comparison.title, 'score', 'mean', 'instant', '0.971', 'dskd', '0.92']);
  expect(page).toContain(`Map local over ${image.id}: highest score 4.00, not above the threshold`);
  expect(page).toContain(`Map other over ${image.id}: highest score 4.00, above the threshold`);
});

test('several tables need no color scale; a gallery does', () => {
  const table = { title: 'first', columns: ['a'], rows: [['one']] };
  const page = renderReport({ title: 'x', comparisons: [table, { ...table, title: 'second' }], facts: [] });
  expect(problemsOf(page)).toEqual([]);
  expect(page.match(/<caption>/g)).toHaveLength(2);
  const images = { width: 1, height: 1, input: DOT, fused: DOT, branches: {} };
  const { samples } = madeUpEvaluation({ good: 1, anomalous: 0, types: [] });
  const gallery = [{ ...samples[0]!, images }];
  expect(() => renderReport({ title: 'x', gallery, facts: [] })).toThrow(/gallery without heatScale/);
});

test('an explanation shows region and good patch, and names the good image, escaped', () => {
  const [first, second] = madeUpEvaluation({ good: 2, anomalous: 2, types: ['scratch'] }).samples;
  const images = { width: 1, height: 1, input: DOT, fused: DOT, branches: {} };
  const explanation = { side: 1, region: DOT, from: '<b>.png', distance: 2.5 };
  const page = reportOf({
    gallery: [
      { ...first!, images: { ...images, explanation: { ...explanation, nearest: DOT } } },
      { ...second!, images: { ...images, explanation } },
    ],
  });
  expect(problemsOf(page)).toEqual([]);
  expect(page.match(/>largest region</g)).toHaveLength(2);
  expect(page.match(/>nearest good patch</g)).toHaveLength(1);
  expect(
    page.match(/a patch of the good image <bdi>&lt;b&gt;.png<\/bdi>, at the distance 2.5/g),
  ).toHaveLength(2);
});

test('where the good image is not available, its thumbnail is shown at its own size', () => {
  const [first] = madeUpEvaluation({ good: 2, anomalous: 2, types: ['scratch'] }).samples;
  const images = { width: 1, height: 1, input: DOT, fused: DOT, branches: {} };
  const thumbnail = { url: DOT, width: 96, height: 48 };
  const explanation = { side: 96, region: DOT, thumbnail, from: '<b>.png', distance: 2.5 };
  const page = reportOf({ gallery: [{ ...first!, images: { ...images, explanation } }] });
  expect(problemsOf(page)).toEqual([]);
  expect(page.match(/>nearest good patch</g)).toHaveLength(1);
  expect(page).toMatch(
    /width="96" height="48" alt="Small image of &lt;b&gt;.png, a line around the good patch nearest to that region, distance 2.50"/,
  );
});

test('loads no resources, runs no scripts, sends no data', () => {
  const page = reportOf();
  const { elements } = parseDocument(page);
  const names = new Set(elements.map(({ tagName }) => tagName));
  const loading = ['script', 'link', 'iframe', 'object', 'form', 'base', 'video', 'foreignObject'];
  expect(loading.filter((name) => names.has(name))).toEqual([]);
  const wanted: Record<string, RegExp> = { src: /^data:image\//, href: /^#/ };
  const suspicious = elements
    .flatMap(({ attrs }) => attrs)
    .filter(
      ({ name, value }) => /^on|^style$|srcset|action/.test(name) || wanted[name]?.test(value) === false,
    );
  expect(suspicious).toEqual([]);
  expect(page).not.toMatch(/https?:/);
  expect(page).not.toMatch(/@import|url\((?!#)/);
  const policy = elements.find((element) => attribute(element, 'http-equiv') !== undefined)!;
  expect(attribute(policy, 'content')).toMatch(
    /^default-src 'none'; img-src data:; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'$/,
  );
});

test('malicious names are shown as text everywhere', () => {
  const evaluation = madeUpEvaluation({
    good: 7,
    anomalous: 7,
    types: HOSTILE,
    subsets: HOSTILE.slice(0, 2),
    nameOf: (label, _, index) => `${label} ${HOSTILE[index]!}`,
  });
  const hostile = {
    ...evaluation,
    source: HOSTILE[0]!,
    branches: Object.fromEntries(HOSTILE.map((name) => [name, evaluation.branches.local!])),
    samples: evaluation.samples.map((sample) => ({
      ...sample,
      branchScores: Object.fromEntries(HOSTILE.map((name) => [name, 1])),
    })),
  };
  const images = { width: 1, height: 1, input: DOT, groundTruth: DOT, fused: DOT };
  const page = reportOf({
    title: HOSTILE[4]!,
    subtitle: HOSTILE[0]!,
    evaluation: hostile,
    gallery: hostile.samples.map((sample, index) => ({
      ...sample,
      group: HOSTILE[index % 7]!,
      images: { ...images, branches: Object.fromEntries(HOSTILE.map((name) => [name, DOT])) },
    })),
    training: [{ epoch: 0, losses: Object.fromEntries(HOSTILE.map((name) => [name, 1])) }],
    facts: HOSTILE.map((text) => ({ label: text, value: text })),
  });
  expect(problemsOf(page)).toEqual([]);
  const { elements } = parseDocument(page);
  // Contains only the elements and attributes of a report with harmless names.
  const harmless = new Set(parseDocument(reportOf()).elements.map(({ tagName }) => tagName));
  expect([...new Set(elements.map(({ tagName }) => tagName))].filter((name) => !harmless.has(name))).toEqual(
    [],
  );
  const attributes = elements.flatMap(({ attrs }) => attrs.map(({ name }) => name));
  expect(attributes.filter((name) => name.startsWith('on'))).toEqual([]);
  // oxlint-disable-next-line no-control-regex -- they are in the names
  const readable = (text: string): string => text.replace(/[\u0000\u001b\ud800]/g, '\ufffd');
  expect(textOf(elements.find(({ tagName }) => tagName === 'title')!)).toBe(HOSTILE[4]);
  const headings = elements.filter(({ tagName }) => tagName === 'h4').map(textOf);
  expect(headings.sort()).toEqual(hostile.samples.map(({ id }) => readable(id)).sort());
  // Names are isolated, so that they cannot change the direction of the surrounding text.
  const isolated = elements.filter(({ tagName }) => tagName === 'bdi').map(textOf);
  for (const name of HOSTILE) expect(isolated).toContain(readable(name));
  const spoof = elements.filter((element) =>
    element.childNodes.some((n) => 'value' in n && n.value.includes('\u202e')),
  );
  expect(new Set(spoof.map(({ tagName }) => tagName))).toEqual(new Set(['bdi', 'title', 'desc']));
});

test.each([
  'https://example.com/a.png',
  'javascript:alert(1)',
  'data:text/html;base64,AAAA',
  'data:image/svg+xml;base64,AAAA',
  '',
])('refuses an invalid image: %s', (input) => {
  const { samples } = madeUpEvaluation({ good: 1, anomalous: 0, types: [] });
  const images = { width: 1, height: 1, input, fused: DOT, branches: {} };
  const gallery = [{ ...samples[0]!, images }];
  expect(() => reportOf({ gallery })).toThrow('wanted a data URL');
});

test('parts without data are omitted', () => {
  const page = renderReport({ title: 'nothing', heatScale: { low: 0, threshold: 1 }, facts: [] });
  expect(problemsOf(page)).toEqual([]);
  expect(page).not.toContain('<section');
});

test('states that there are no masks, no number and only one kind of image', () => {
  const made = madeUpEvaluation({ good: 3, anomalous: 0, types: [] });
  const unknown = { ...made.fused, imageAuroc: NaN, pixelAuroc: NaN, auPro: null, auSpro: {} };
  const empty = { x: [], y: [] };
  const fused = { ...unknown, curves: { roc: empty, precisionRecall: empty, pro: null, spro: {} } };
  const page = reportOf({ evaluation: { ...made, fused, branches: {} }, gallery: [] });
  expect(problemsOf(page)).toEqual([]);
  expect(page).toContain('n/a');
  expect(page).toContain('No defect areas are known');
  expect(page).not.toContain('pixel AUROC');
  expect(page).not.toContain('NaN');
  expect(page).not.toContain('Infinity');
});

test('the histogram has the same counts as the verdicts', () => {
  const evaluation = madeUpEvaluation({ good: 40, anomalous: 30, types: ['dent'], threshold: 4.5 });
  const { falseAlarms, misses } = evaluation.atThreshold;
  const { elements } = parseDocument(reportOf({ evaluation }));
  const description = textOf(elements.find((element) => attribute(element, 'id') === 'scores-description')!);
  const words = falseAlarms === 1 ? 'false alarm' : 'false alarms';
  expect(description).toBe(
    `Threshold 4.50. good: ${40 - falseAlarms} passed, ${falseAlarms} ${words}; anomalous: ${misses} missed, ${30 - misses} caught.`,
  );
});

test('the gallery states that there were no errors', () => {
  const evaluation = madeUpEvaluation({ good: 2, anomalous: 2, types: ['dent'] });
  const said = (misses: number, falseAlarms: number): string =>
    reportOf({ evaluation: { ...evaluation, atThreshold: { threshold: 5, misses, falseAlarms } } });
  expect(said(0, 0)).toContain('No anomalous image was missed, and no good image raised a false alarm.');
  expect(said(0, 1)).toContain('No anomalous image was missed.');
  expect(said(1, 0)).toContain('No good image raised a false alarm.');
});

test('a resumed training states how many epochs are not shown', () => {
  expect(reportOf()).not.toContain('earlier run');
  const kept = 'images kept back from training';
  expect(reportOf({ training: madeUpHistory })).not.toContain(kept);
  const heldOut = madeUpHistory.map((entry, index) => ({ ...entry, heldOut: { local: 2 - index / 100 } }));
  const page = reportOf({ training: heldOut });
  // The local student alone has such a line, in its legend and in the description of its chart.
  expect(page.split(kept)).toHaveLength(3);
  expect(page).toContain('2.00 to 1.81');
  expect(reportOf({ training: madeUpHistory.slice(5) })).toContain('5 epochs of an earlier run');
});

test('says why no rate is guaranteed: too few images, or images that the model learned', () => {
  const calibration = { scores: [3, 4, 3.5], threshold: 5, falseAlarmRate: 0.05, guaranteed: false };
  const said = (images: string, alsoLearned?: number): string =>
    reportOf({ calibration: { ...calibration, images, ...(alsoLearned && { alsoLearned }) } });
  expect(said('held-out')).toContain('too few images for this rate: the lowest possible rate is 0.25');
  expect(said('given', 2)).toContain('also learned 2 of them, so no rate is guaranteed');
  expect(said('training')).toContain('trained on these images, so no rate');
});
