import type { EvaluationResult } from '@dskd/metrics';
import {
  areaAt,
  countByDefect,
  formatArea,
  formatPart,
  formatShare,
  scoresOf,
  SPRO_LIMIT,
  subsetName,
} from '../format.js';
import { markup, table, type Html, type Insertable, type TableColumn } from '../html.js';

const number = (title: Insertable): TableColumn => ({ title, numeric: true });
const name = (text: string): Html => markup`<bdi>${text}</bdi>`;

function byScore(result: EvaluationResult): Html {
  const subsets = Object.keys(result.fused.auSpro);
  const limit = result.fused.auPro?.limit;
  const hasMasks = result.images.withMask > 0;
  return table({
    caption: 'Separation and localization, by score',
    columns: [
      { title: 'Score' },
      ...['image AUROC', 'average precision', 'F1-max'].map(number),
      ...(hasMasks ? ['pixel AUROC', 'pixel AP'].map(number) : []),
      ...(limit === undefined ? [] : [number(`AU-PRO to ${limit}`)]),
      ...subsets.map((subset) => number(`AU-sPRO to ${SPRO_LIMIT}, ${subsetName(subset)}`)),
    ],
    rows: scoresOf(result).map(([score, metrics]) => [
      name(score),
      formatShare(metrics.imageAuroc),
      formatShare(metrics.imageAveragePrecision),
      formatShare(metrics.imageF1Max),
      ...(hasMasks ? [formatShare(metrics.pixelAuroc), formatShare(metrics.pixelAveragePrecision)] : []),
      ...(limit === undefined ? [] : [formatArea(metrics.auPro)]),
      ...subsets.map((subset) => formatArea(areaAt(metrics.auSpro[subset], SPRO_LIMIT))),
    ]),
  });
}

function byDefect(result: EvaluationResult): Html {
  const scores = scoresOf(result);
  return table({
    caption: 'By type of anomaly: each against all good images',
    columns: [
      { title: 'Type' },
      number('images'),
      number('missed'),
      ...scores.map(([score]) => number(markup`image AUROC, ${name(score)}`)),
    ],
    rows: [...countByDefect(result)].map(([type, { images, missed }]) => [
      name(type),
      images,
      formatPart(missed, images),
      ...scores.map(([, { imageAurocByDefect }]) => formatShare(imageAurocByDefect[type] ?? NaN)),
    ]),
  });
}

/** AU-sPRO at every limit and for every type of defect region, to compare with publications. */
function sproTables(result: EvaluationResult): Html | undefined {
  const scores = scoresOf(result);
  const subsets = Object.entries(result.fused.auSpro);
  const defects = Object.entries(result.fused.auSproByDefect);
  if (subsets.length === 0) return undefined;
  const limits = subsets[0]![1].map(({ limit }) => limit);
  return markup`<details><summary>AU-sPRO at every limit and by type of defect region</summary>
${table({
  caption: 'AU-sPRO by false-positive rate that the area reaches to',
  columns: [{ title: 'Subset, score' }, ...limits.map((limit) => number(String(limit)))],
  rows: subsets.flatMap(([subset]) =>
    scores.map(([score, { auSpro }]) => [
      markup`${subsetName(subset)}, ${name(score)}`,
      ...limits.map((limit) => formatArea(areaAt(auSpro[subset], limit))),
    ]),
  ),
})}
${
  defects.length > 0 &&
  table({
    caption: `AU-sPRO to ${SPRO_LIMIT} by type of defect region`,
    columns: [{ title: 'Defect' }, ...scores.map(([score]) => number(name(score)))],
    rows: defects.map(([type]) => [
      name(type),
      ...scores.map(([, { auSproByDefect }]) => formatArea(areaAt(auSproByDefect[type], SPRO_LIMIT))),
    ]),
  })
}
</details>`;
}

/** Metrics of each score as tables. */
export function metricsSection(result: EvaluationResult): Html {
  const loco = result.protocol === 'mvtec-loco-ad';
  return markup`<p class="note">${
    loco
      ? 'By the rules of MVTec LOCO AD: image metrics are the mean over the subsets, each against the good images.'
      : 'By the rules of MVTec AD: all anomalous images against the good ones.'
  } 1 is perfect; an AUROC of 0.5 is chance. ${result.images.withMask === 0 ? 'No defect areas are known, so localization was not measured.' : 'Localization is measured at the original image size.'}</p>
${byScore(result)}
${byDefect(result)}
${sproTables(result)}`;
}
