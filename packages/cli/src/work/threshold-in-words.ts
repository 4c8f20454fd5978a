import type { ChosenThreshold, DetectorDescription } from '@dskd/detector';
import { falseAlarmBound, requiredCalibrationSize } from '@dskd/scoring';

const CONFIDENCE = 0.95;

/** 0.0123 as `1.2 %`. */
function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** What a threshold that good images gave can promise of new ones. */
function promise({ threshold, calibration }: DetectorDescription): string[] {
  const normals = calibration.scores.length;
  const exceeding = calibration.scores.filter((score) => score > threshold.value).length;
  const bound = falseAlarmBound({ normals, exceeding, confidence: CONFIDENCE });
  const lines = [
    `of new good parts like these at most ${percent((exceeding + 1) / (normals + 1))} raise a false alarm on average; ` +
      `at most ${percent(bound)} with 95 % confidence`,
  ];
  const { falseAlarmRate } = threshold;
  if (!threshold.guaranteed && falseAlarmRate !== null) {
    const onAverage = requiredCalibrationSize({ falseAlarmRate });
    const sure = requiredCalibrationSize({ falseAlarmRate, confidence: CONFIDENCE });
    lines.push(
      `${count(normals, 'good image is', 'good images are')} too few to promise ${percent(falseAlarmRate)}, so the threshold is their highest score: ` +
        `it takes ${onAverage} on average, ${sure} with 95 % confidence`,
    );
  }
  return lines;
}

/** Where a model's threshold comes from and what it is worth, a line each. */
export function thresholdInWords(description: DetectorDescription, chosen?: ChosenThreshold): string[] {
  const { threshold, calibration } = description;
  const value = `threshold ${threshold.value.toFixed(4)}`;
  const images = count(calibration.scores.length, 'image', 'images');
  if (chosen) {
    const what = threshold.chosenBy === 'cost' ? 'errors cost least' : 'F1 is highest';
    return [
      `${value}: where ${what} on ${chosen.normals} good and ${chosen.anomalies} bad images; ` +
        `of those ${count(chosen.falseAlarms, 'false alarm', 'false alarms')} and ${count(chosen.misses, 'miss', 'misses')}`,
      'chosen on these images, it promises nothing of others: evaluate it on images it has not seen',
    ];
  }
  if (threshold.falseAlarmRate === null) return [`${value}, not chosen for a false-alarm rate`];
  const origin = `${value} for a false-alarm rate of ${threshold.falseAlarmRate} from ${images} (${calibration.images})`;
  if (calibration.images === 'training') {
    return [origin, 'the students have seen these images: new good parts score higher, no rate is promised'];
  }
  return [origin, ...promise(description)];
}
