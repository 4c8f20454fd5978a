import type { ChosenThreshold, Detector, DetectorDescription } from '@dskd/detector';
import { toleranceLimit } from '@dskd/scoring';
import { printJson, printLine } from './print.js';

/** Prints where a model was saved and what its threshold guarantees. */
export function printSavedModel(
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
  for (const line of [`saved ${path}`, ...thresholdLines(description, chosen)]) printLine(line);
}

const CONFIDENCE = 0.95;

/** 0.0123 as `1.2 %`. */
function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** The false-alarm rates that a threshold from good images guarantees on new ones. */
function guarantees({ threshold, calibration }: DetectorDescription): string[] {
  const normals = calibration.scores.length;
  const exceeding = calibration.scores.filter((score) => score > threshold.value).length;
  const bound = toleranceLimit.rate({ normals, exceeding, confidence: CONFIDENCE });
  const lines = [
    `of new good parts like these at most ${percent((exceeding + 1) / (normals + 1))} raise a false alarm on average; ` +
      `at most ${percent(bound)} with 95 % confidence`,
  ];
  const { falseAlarmRate } = threshold;
  if (!threshold.guaranteed && falseAlarmRate !== null) {
    const onAverage = toleranceLimit.normals({ falseAlarmRate });
    const sure = toleranceLimit.normals({ falseAlarmRate, confidence: CONFIDENCE });
    lines.push(
      `${count(normals, 'good image is', 'good images are')} too few to guarantee ${percent(falseAlarmRate)}, so the threshold is their highest score: ` +
        `the rate takes ${onAverage} images on average, ${sure} with 95 % confidence`,
    );
  }
  return lines;
}

/** Lines that describe how a threshold was chosen and what it guarantees. */
export function thresholdLines(description: DetectorDescription, chosen?: ChosenThreshold): string[] {
  const { threshold, calibration } = description;
  const value = `threshold ${threshold.value.toFixed(4)}`;
  const images = count(calibration.scores.length, 'image', 'images');
  if (chosen) {
    const what = threshold.chosenBy === 'cost' ? 'errors cost least' : 'F1 is highest';
    return [
      `${value}: where ${what} on ${chosen.normals} good and ${chosen.anomalies} bad images; ` +
        `of those ${count(chosen.falseAlarms, 'false alarm', 'false alarms')} and ${count(chosen.misses, 'miss', 'misses')}`,
      'it guarantees nothing for other images: evaluate it on images that it was not chosen on',
    ];
  }
  if (threshold.falseAlarmRate === null) return [`${value}, not chosen for a false-alarm rate`];
  const { ofLessons } = calibration;
  const from = `${calibration.images}${ofLessons === undefined ? '' : `; ${ofLessons} of lessons`}`;
  const origin = `${value} for a false-alarm rate of ${threshold.falseAlarmRate} from ${images} (${from})`;
  if (calibration.images === 'altered') {
    return [
      origin,
      'these are altered copies of one image: they say nothing of how good parts differ, no rate is guaranteed',
    ];
  }
  if (calibration.images === 'training') {
    return [
      origin,
      'the students were trained on these images: new good parts score higher, no rate is guaranteed',
    ];
  }
  const { alsoLearned } = calibration;
  if (alsoLearned !== undefined) {
    return [
      origin,
      `the model learned ${alsoLearned} of these images: new good parts score higher, no rate is guaranteed`,
    ];
  }
  return [origin, ...guarantees(description)];
}
