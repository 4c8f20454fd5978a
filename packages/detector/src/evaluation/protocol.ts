import type { Sample } from '@dskd/data';
import type { EvaluationResult } from '@dskd/metrics';

/** What MVTec LOCO AD calls its two kinds of anomalous images. */
const LOCO_SUBSETS: readonly string[] = ['logical_anomalies', 'structural_anomalies'];

/**
 * By whose rules test images are judged: MVTec LOCO AD's where all anomalous ones have defects that are known
 * apart, or belong to its two subsets; else MVTec AD's.
 */
export function protocolOf(samples: readonly Sample[]): EvaluationResult['protocol'] {
  const anomalous = samples.filter(({ label }) => label === 'anomalous');
  const isLoco =
    anomalous.length > 0 &&
    (anomalous.every((sample) => sample.loadRegions !== undefined) ||
      anomalous.every(({ defectType }) => LOCO_SUBSETS.includes(defectType)));
  return isLoco ? 'mvtec-loco-ad' : 'mvtec-ad';
}
