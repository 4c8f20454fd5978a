import type { ImageSource } from '@dskd/data';
import type { Teacher } from '@dskd/models';
import type { Detector } from '../inference/detector.js';
import { tinySource } from '../tiny-world.test.util.js';
import { trainDetector } from '../training/train-detector.js';
import type { TrainDetectorOptions } from '../training/training-options.js';

/** Options of each method in closed form for images of 32 px. */
const OPTIONS: Readonly<Record<string, object>> = {
  // The deep levels are wide: a Gaussian of all of them takes many seconds.
  instant: {
    local: { coreset: { count: 60 } },
    global: { components: 2 },
    pooled: { levels: [1], pooling: 'mean' },
  },
  patchcore: { coreset: { count: 60 } },
  fre: { components: 2 },
  gaussian: { levels: [1], pooling: 'mean' },
  padim: { channels: 8 },
};

/** A detector of a method in closed form, fitted on the good images of {@link tinySource}. */
export function instantDetector(
  teacher: Teacher,
  {
    method = 'instant',
    ...more
  }: Pick<TrainDetectorOptions, 'method' | 'thumbnails' | 'testImages' | 'onEvent' | 'signal'> & {
    readonly source?: ImageSource;
  } = {},
): Promise<Detector> {
  return trainDetector({
    source: tinySource(),
    teacher,
    method,
    options: OPTIONS[method]!,
    input: { size: [32, 32] },
    calibration: { holdOutFraction: 0.3, falseAlarmRate: 0.3 },
    seed: 3,
    ...more,
  });
}
