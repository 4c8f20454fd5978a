import type { PixelBuffer } from '@dskd/base';
import { randomStream } from '@dskd/base';
import type { ImageSource, Sample } from '@dskd/data';
import type { DskdOptionsInput, Execution } from '@dskd/methods';
import { backboneInfo, namedTeacher, type BackboneName, type Teacher } from '@dskd/models';
import { integerFill } from '@dskd/test-support';
import type { StateDict } from '@dskd/weights';
import type { CalibrationOptions } from './training/calibration-options.js';
import type { InputOptions, TrainDetectorOptions } from './training/training-options.js';

const SIDE = 40;

/** Gray with noise and a bright square in the middle; an anomalous one has a dark square in a corner too. */
function image(seed: number, anomalous: boolean): PixelBuffer {
  const random = randomStream(seed, 'image');
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const inside = (low: number, high: number): boolean => x >= low && x < high && y >= low && y < high;
      let value = inside(14, 26) ? 220 : 128;
      if (anomalous && inside(2, 12)) value = 10;
      for (let channel = 0; channel < 3; channel++) {
        data[(y * SIDE + x) * 3 + channel] = Math.round(value + 20 * random.uniform());
      }
    }
  }
  return { data, width: SIDE, height: SIDE, channels: 3 };
}

function mask(): PixelBuffer {
  const data = new Uint8Array(SIDE * SIDE);
  for (let y = 2; y < 12; y++) data.fill(255, y * SIDE + 2, y * SIDE + 12);
  return { data, width: SIDE, height: SIDE, channels: 1 };
}

function sample(split: Sample['split'], index: number, anomalous: boolean): Sample {
  return {
    id: `${split}/${anomalous ? 'spot' : 'good'}/${index}.png`,
    split,
    label: anomalous ? 'anomalous' : 'good',
    defectType: anomalous ? 'spot' : 'good',
    load: () => Promise.resolve(image(index, anomalous)),
    ...(anomalous && { loadMask: () => Promise.resolve(mask()) }),
  };
}

/** Replaces parts of the preset `nano`. */
export const TINY_ARCHITECTURE = { decoderWidths: [4, 8, 8], fusionWidths: [4, 8], phiChannels: 16 };

/** Eight good images to train on, three good and three anomalous ones to test with. In memory. */
export function tinySource(): ImageSource {
  const samples = [
    ...Array.from({ length: 8 }, (_, index) => sample('train', index, false)),
    ...Array.from({ length: 3 }, (_, index) => sample('test', 100 + index, false)),
    ...Array.from({ length: 3 }, (_, index) => sample('test', 200 + index, true)),
  ];
  return { name: 'tiny', samples, fingerprint: () => Promise.resolve('0'.repeat(64)) };
}

/** A backbone with weights from the integer formula. */
export function tinyTeacher(sha256 = 'a'.repeat(64), backbone: BackboneName = 'squeezenet1_1'): Teacher {
  const weights: StateDict = new Map();
  for (const [name, shape] of backboneInfo(backbone).weightShapes()) {
    weights.set(name, { dtype: 'F32', shape, data: integerFill(name, shape) });
  }
  return namedTeacher(backbone, weights, sha256);
}

/** The keys of each group of {@link TrainDetectorOptions}. */
const GROUPS = {
  options: [
    'preset',
    'architecture',
    'gccb',
    'branches',
    'initialize',
    'epochs',
    'minutes',
    'batchSize',
    'reestimateBatchNorm',
  ],
  input: ['size', 'tiles', 'fit', 'fill', 'augmentation', 'ignored'],
  calibration: [
    'holdOutFraction',
    'onTrainingImages',
    'statisticsOn',
    'normalization',
    'sigma',
    'falseAlarmRate',
  ],
  execution: ['runner', 'featureCacheBytes'],
} as const;

/** All options of a training with `dskd`, without their groups. */
export type TinyChanges = Partial<Omit<TrainDetectorOptions, keyof typeof GROUPS>> &
  DskdOptionsInput &
  InputOptions &
  CalibrationOptions &
  Execution;

/** Options in their groups. `undefined` is the same as left out. */
export function grouped(flat: TinyChanges & Pick<TrainDetectorOptions, 'source'>): TrainDetectorOptions {
  const entries = Object.entries(flat).filter(([, value]) => value !== undefined);
  const of = (keys: readonly string[]): object =>
    Object.fromEntries(entries.filter(([key]) => keys.includes(key)));
  const inGroups = Object.values(GROUPS).flat() as readonly string[];
  return {
    ...Object.fromEntries(entries.filter(([key]) => !inGroups.includes(key))),
    ...Object.fromEntries(Object.entries(GROUPS).map(([group, keys]) => [group, of(keys)])),
  } as unknown as TrainDetectorOptions;
}

/** Two epochs of the smallest students; each of `changes` by the name it has in its group. */
export function tinyOptions(teacher: Teacher, changes: TinyChanges = {}): TrainDetectorOptions {
  return grouped({
    source: tinySource(),
    teacher,
    method: 'dskd',
    size: [32, 32],
    preset: 'nano',
    // The cpu backend takes minutes for nano itself.
    architecture: TINY_ARCHITECTURE,
    gccb: { channels: 4 },
    epochs: 2,
    batchSize: 4,
    seed: 3,
    holdOutFraction: 0.3,
    ...changes,
  });
}
