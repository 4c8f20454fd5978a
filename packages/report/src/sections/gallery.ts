import type { EvaluationResult } from '@dskd/metrics';
import { formatScore, outcomeOf } from '../format.js';
import type { GalleryImage } from '../gallery-collector.js';
import { assertDataUrl, markup, type Html } from '../html.js';
import type { Explanation } from '../images/explanation.js';
import { HEAT_STOPS, type BranchFusion, type HeatScale } from '../images/overlays.js';

/** Describes how a branch's map is drawn, by fusion rule. */
const BRANCHES_IN_WORDS: Readonly<Record<BranchFusion, string>> = {
  sum: 'The fused map is the sum of the maps of its branches. A branch’s map is drawn on its share of the scale: with two branches, half of these numbers.',
  'soft-maximum':
    'The fused map is the soft maximum of the maps of its branches, each of which can raise an alarm alone.',
  maximum:
    'The fused map is the maximum of the maps of its branches, each of which can raise an alarm alone.',
};

/** The color scale of all maps, over gray. */
function heatLegend({ low, threshold }: HeatScale, fusion: BranchFusion): Html {
  const high = 2 * threshold - low;
  const stops = HEAT_STOPS.map(
    ([red, green, blue, opacity], index) =>
      markup`<stop offset="${index / 2}" stop-color="rgb(${red} ${green} ${blue})" stop-opacity="${opacity}"/>`,
  );
  return markup`<figure class="heat-legend">
<svg viewBox="0 0 320 52" role="img" aria-labelledby="heat-title heat-description">
<title id="heat-title">Color scale of all maps</title>
<desc id="heat-description">Nothing is drawn up to the score ${formatScore(low)}, orange is the threshold ${formatScore(threshold)}, red is ${formatScore(high)} and above.</desc>
<defs><linearGradient id="heat-gradient">${stops}</linearGradient></defs>
<rect x="10" y="4" width="300" height="18" fill="#9aa0a6"/>
<rect x="10" y="4" width="300" height="18" fill="url(#heat-gradient)"/>
<line class="threshold" x1="160" x2="160" y1="1" y2="27"/>
<text x="10" y="42">${formatScore(low)}</text>
<text x="160" y="42" text-anchor="middle">threshold ${formatScore(threshold)}</text>
<text x="310" y="42" text-anchor="end">${formatScore(high)} and above</text>
</svg>
<figcaption>One scale for every map of every image: nothing is drawn up to the middle of normal images’ scores, orange is the threshold, red is as far above it again. ${BRANCHES_IN_WORDS[fusion]}</figcaption>
</figure>`;
}

interface Panel {
  readonly url: string;
  readonly caption: string;
  readonly value?: string;
  readonly alt: string;
  /** Size of the panel if it differs from the gallery's panels. */
  readonly size?: { readonly width: number; readonly height: number };
}

function panelsOf({ id, score, branchScores, thresholds, images }: GalleryImage, threshold: number): Panel[] {
  const map = (name: string, url: string, value: number, limit = threshold): Panel => ({
    url,
    caption: name,
    value: formatScore(value),
    alt: `Map ${name} over ${id}: highest score ${formatScore(value)}, ${value > limit ? 'above' : 'not above'} the threshold`,
  });
  return [
    { url: images.input, caption: 'input', alt: `Image ${id}` },
    ...(images.groundTruth === undefined
      ? []
      : [{ url: images.groundTruth, caption: 'ground truth', alt: `Contour of the defect in ${id}` }]),
    ...Object.entries(images.branches).map(([name, url]) =>
      map(name, url, branchScores[name] ?? NaN, thresholds?.[name]),
    ),
    map('fused', images.fused, score),
    ...explanationPanels(id, images.explanation),
  ];
}

function explanationPanels(id: string, explanation: Explanation | undefined): Panel[] {
  if (!explanation) return [];
  const { side, region, from, distance } = explanation;
  const size = { width: side, height: side };
  const value = formatScore(distance);
  const nearest = (url: string, shown: string, shownSize: Panel['size'] & object): Panel => ({
    url,
    caption: 'nearest good patch',
    value,
    alt: `${shown}, distance ${value}`,
    size: shownSize,
  });
  const { nearest: cut, thumbnail } = explanation;
  return [
    { url: region, caption: 'largest region', alt: `Cut of ${id} around its largest region`, size },
    ...(cut === undefined
      ? []
      : [nearest(cut, `Cut of ${from} around the good patch nearest to that region`, size)]),
    ...(thumbnail
      ? [
          nearest(
            thumbnail.url,
            `Small image of ${from}, a line around the good patch nearest to that region`,
            thumbnail,
          ),
        ]
      : []),
  ];
}

/** Describes the source of the nearest good patch. */
function explanationText({ from, distance }: Explanation): Html {
  return markup`<p>Nearest to the largest region is a patch of the good image <bdi>${from}</bdi>, at the distance ${formatScore(distance)}.</p>
`;
}

/** The verdict, compared with the label where that is known. */
function judgment({ label, defectType, verdict }: GalleryImage): Html {
  if (!label) return markup`<span class="outcome">${verdict}</span>`;
  const outcome = outcomeOf({ label, verdict });
  return markup`<span class="${outcome.right ? 'right' : 'wrong'} outcome">${outcome.sign} ${outcome.name}</span> ${
    label === 'good' ? 'good' : markup`anomalous: <bdi>${defectType ?? 'unknown type'}</bdi>`
  }`;
}

function card(image: GalleryImage, threshold: number): Html {
  const { id, score, images } = image;
  const panels = panelsOf(image, threshold);
  for (const { url } of panels) assertDataUrl(url);
  return markup`<li class="card image">
<h4><bdi>${id}</bdi></h4>
<p>${judgment(image)}; score <strong>${formatScore(score)}</strong></p>
<div class="panels">${panels.map(
    ({ url, caption, value, alt, size = images }) =>
      markup`<figure><img src="${url}" width="${size.width}" height="${size.height}" alt="${alt}" decoding="async"><figcaption><bdi>${caption}</bdi>${value !== undefined && markup` <b>${value}</b>`}</figcaption></figure>`,
  )}</div>
${images.explanation && explanationText(images.explanation)}</li>`;
}

/** From this number of images on, two are shown side by side. */
const MANY = 60;

/** States that there are no misses or false alarms, whose groups are then missing. */
function noMistakes({ misses, falseAlarms }: EvaluationResult['atThreshold']): string | undefined {
  if (misses === 0 && falseAlarms === 0)
    return 'No anomalous image was missed, and no good image raised a false alarm.';
  if (misses === 0) return 'No anomalous image was missed.';
  return falseAlarms === 0 ? 'No good image raised a false alarm.' : undefined;
}

export interface GalleryFacts {
  readonly scale: HeatScale;
  /** How the detector fuses its branches. Default `sum`. */
  readonly fusion?: BranchFusion | undefined;
  /** Numbers of errors, if known. */
  readonly atThreshold?: EvaluationResult['atThreshold'] | undefined;
}

/** Images by group with their panels, groups in the order of their first image. */
export function gallerySection(
  images: readonly GalleryImage[],
  { scale, fusion = 'sum', atThreshold }: GalleryFacts,
): Html {
  const compact = images.length > MANY;
  const news = atThreshold && noMistakes(atThreshold);
  const groups = new Map<string, GalleryImage[]>();
  for (const image of images) {
    const group = image.group ?? 'Images';
    groups.set(group, [...(groups.get(group) ?? []), image]);
  }
  return markup`${heatLegend(scale, fusion)}
${news !== undefined && markup`<p>${news}</p>`}
${[...groups].map(
  ([group, members]) => markup`<h3><bdi>${group}</bdi> <span class="count">(${members.length})</span></h3>
<ul class="gallery${compact && ' compact'}">${members.map((image) => card(image, scale.threshold))}</ul>
`,
)}`;
}
