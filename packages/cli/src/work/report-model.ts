import type { ChosenThreshold, Detector } from '@dskd/detector';
import { printJson, printLine } from '../output.js';
import { thresholdInWords } from './threshold-in-words.js';

/** Says where a model was saved, and what its threshold is worth. */
export function reportModel(
  { description }: Detector,
  path: string,
  json: boolean,
  chosen?: ChosenThreshold,
): void {
  const { threshold, calibration } = description;
  if (json) {
    const images = calibration.scores.length;
    printJson({ type: 'model-saved', path, threshold, images, ...(chosen && { chosen }) });
    return;
  }
  for (const line of [`saved ${path}`, ...thresholdInWords(description, chosen)]) printLine(line);
}
