import type { Detector } from '@dskd/detector';
import { printJson, printLine } from '../output.js';

/** Says where a model was saved, and what its threshold is worth. */
export function reportModel({ description }: Detector, path: string, json: boolean): void {
  const { threshold, calibration } = description;
  const pictures = calibration.scores.length;
  if (json) {
    printJson({ type: 'model-saved', path, threshold, pictures });
    return;
  }
  printLine(`saved ${path}`);
  printLine(
    `threshold ${threshold.value.toFixed(4)} for a false-alarm rate of ${threshold.falseAlarmRate} ` +
      `from ${pictures} pictures (${calibration.pictures})`,
  );
  if (!threshold.guaranteed) {
    printLine(
      `with ${pictures} good pictures no rate below ${(1 / (pictures + 1)).toFixed(3)} can be promised: ` +
        'the threshold is the highest score among them',
    );
  }
}
