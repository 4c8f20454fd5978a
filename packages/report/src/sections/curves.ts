import type { Curve, EvaluationResult, ScoreMetrics } from '@dskd/metrics';
import { linearAxis, RATE_AXIS, type Axis } from '../charts/axes.js';
import { lineChart, seriesStyle, type Line } from '../charts/line-chart.js';
import { areaAt, formatArea, formatShare, scoresOf, SPRO_LIMIT, subsetName } from '../format.js';
import { markup, type Html } from '../html.js';

/** Shown range of the pixels' false-positive rate. Maps with a higher rate are not useful. */
const PIXEL_RATES: Axis = linearAxis(0, 0.3);

function linesOf(
  result: EvaluationResult,
  curveOf: (metrics: ScoreMetrics) => Curve | null | undefined,
  valueOf: (metrics: ScoreMetrics) => string,
): Line[] {
  return scoresOf(result).flatMap(([name, metrics], index) => {
    const curve = curveOf(metrics);
    if (!curve || curve.x.length === 0) return [];
    return [{ name, value: valueOf(metrics), style: seriesStyle(name, index), curve }];
  });
}

/** ROC and precision-recall curves of images; PRO and sPRO curves of pixels. Charts without a curve are omitted. */
export function curvesSection(result: EvaluationResult): Html {
  const limit = result.fused.auPro?.limit ?? 0.3;
  const mean = (name: string): string =>
    result.protocol === 'mvtec-loco-ad' ? `${name}, mean of the subsets` : name;
  const charts = [
    {
      id: 'roc',
      title: 'ROC, images',
      explanation:
        'The share of anomalous images caught against the share of good ones that raise a false alarm, at every threshold.',
      x: RATE_AXIS,
      xLabel: 'false-positive rate',
      yLabel: 'true-positive rate',
      measure: mean('image AUROC'),
      lines: linesOf(
        result,
        (q) => q.curves.roc,
        (q) => formatShare(q.imageAuroc),
      ),
    },
    {
      id: 'precision-recall',
      title: 'Precision and recall, images',
      explanation:
        'How many alarms are right against how many anomalous images are caught, at every threshold.',
      x: RATE_AXIS,
      xLabel: 'recall',
      yLabel: 'precision',
      measure: mean('average precision'),
      lines: linesOf(
        result,
        (q) => q.curves.precisionRecall,
        (q) => formatShare(q.imageAveragePrecision),
      ),
    },
    {
      id: 'pro',
      title: 'PRO, pixels',
      explanation:
        'How much of each connected defect area is marked, on average, against the share of good pixels that are marked.',
      x: PIXEL_RATES,
      xLabel: 'false-positive rate of pixels',
      yLabel: 'mean overlap',
      measure: `AU-PRO to ${limit}`,
      lines: linesOf(
        result,
        (q) => q.curves.pro,
        (q) => formatArea(q.auPro),
      ),
    },
    ...Object.keys(result.fused.curves.spro).map((subset, index) => ({
      id: `spro-${index}`,
      title: `sPRO, pixels, ${subsetName(subset)}`,
      explanation:
        'How much of each defect region is marked, up to what is enough to find it, against the share of good pixels that are marked.',
      x: PIXEL_RATES,
      xLabel: 'false-positive rate of pixels',
      yLabel: 'mean saturated overlap',
      measure: `AU-sPRO to ${SPRO_LIMIT}`,
      mark: { at: SPRO_LIMIT, label: `${SPRO_LIMIT}` },
      lines: linesOf(
        result,
        (q) => q.curves.spro[subset],
        (q) => formatArea(areaAt(q.auSpro[subset], SPRO_LIMIT)),
      ),
    })),
  ].filter(({ lines }) => lines.length > 0);
  return markup`<div class="charts">${charts.map((chart) => lineChart({ ...chart, y: RATE_AXIS }))}</div>`;
}
