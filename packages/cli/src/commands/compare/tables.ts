import type { EvaluationComparison } from '@dskd/metrics';
import type { EvaluationFile } from './evaluation-file.js';
import type { Table } from '../evaluate/tables.js';

interface TitledTable extends Table {
  readonly title: string;
}

/** An evaluation with what sets it apart from the first one, which has none. */
export interface ComparedFile {
  readonly file: EvaluationFile;
  readonly comparison?: EvaluationComparison;
}

const number = (value: number, digits = 4): string => (Number.isNaN(value) ? '-' : value.toFixed(digits));
const signed = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(4)}`;

function differenceOf({ comparison }: ComparedFile): string[] {
  if (!comparison) return ['-', '-', '-'];
  const { difference, lower, upper, pValue } = comparison.auroc;
  const p = pValue < 0.001 ? 'below 0.001' : pValue.toFixed(3);
  return [signed(difference), `${signed(lower)} to ${signed(upper)}`, p];
}

/** One row per evaluation: quality, the difference from the first, errors, time and size. */
function overall(compared: readonly ComparedFile[]): TitledTable {
  const hasPixels = compared.some(({ file }) => !Number.isNaN(file.fused.pixelAuroc));
  const hasDetector = compared.some(({ file }) => file.detector);
  return {
    title: 'Quality, errors, time and size',
    header: [
      'evaluation',
      ...(hasDetector ? ['method'] : []),
      'image AUROC',
      'difference',
      '95 % interval',
      'p-value',
      ...(hasPixels ? ['pixel AUROC'] : []),
      'false alarms',
      'missed',
      ...(hasDetector ? ['ms per image', 'MB'] : []),
    ],
    rows: compared.map((each) => {
      const { name, fused, images, atThreshold, detector } = each.file;
      return [
        name,
        ...(hasDetector ? [detector?.method ?? '-'] : []),
        number(fused.imageAuroc),
        ...differenceOf(each),
        ...(hasPixels ? [number(fused.pixelAuroc)] : []),
        `${atThreshold.falseAlarms} of ${images.good}`,
        `${atThreshold.misses} of ${images.anomalous}`,
        ...(hasDetector
          ? [number(1000 * (detector?.secondsPerImage ?? NaN), 0), number((detector?.bytes ?? NaN) / 1e6, 2)]
          : []),
      ];
    }),
  };
}

function byDefect(compared: readonly ComparedFile[]): TitledTable {
  const defects = [...new Set(compared.flatMap(({ file }) => Object.keys(file.fused.imageAurocByDefect)))];
  return {
    title: 'Image AUROC by defect',
    header: ['defect', ...compared.map(({ file }) => file.name)],
    rows: defects
      .sort()
      .map((defect) => [
        defect,
        ...compared.map(({ file }) => number(file.fused.imageAurocByDefect[defect] ?? NaN)),
      ]),
  };
}

function changedVerdicts(compared: readonly ComparedFile[]): TitledTable {
  return {
    title: `Images with another verdict than in ${compared[0]!.file.name}`,
    header: ['image', 'truth', 'evaluation', 'verdict', 'correct'],
    rows: compared.flatMap(({ file, comparison }) =>
      (comparison?.changed ?? []).map(({ id, label, defectType, verdict, better }) => [
        id,
        label === 'good' ? 'good' : defectType,
        file.name,
        verdict,
        better ? 'yes' : 'no',
      ]),
    ),
  };
}

/** The comparison as tables; those without rows are left out. */
export function comparisonTables(compared: readonly ComparedFile[]): TitledTable[] {
  return [overall(compared), byDefect(compared), changedVerdicts(compared)].filter(
    ({ rows }) => rows.length > 0,
  );
}

/** What was compared, and by what. */
export function explanation(first: EvaluationFile): string {
  const { good, anomalous } = first.images;
  const mean = first.protocol === 'mvtec-loco-ad' ? ' Image AUROC is the mean of the subsets.' : '';
  return (
    `${good} good and ${anomalous} anomalous images.${mean} Differences are from ${first.name}, in the AUROC of all images; ` +
    "intervals and p-values are from DeLong's test for two scores of the same images."
  );
}
