import { DskdError, type EventListener } from '@dskd/base';
import { PreparedImages, type ImageSource, type Sample } from '@dskd/data';
import { createMethod, imagesPerPass, TRAINING_DEFAULTS } from '@dskd/methods';
import { quantileThreshold } from '@dskd/scoring';
import type { DetectorDescription, TrainingRecord } from '../artifact/description.js';
import { canPromise, countAlsoLearned } from '../calibration/also-learned.js';
import { calibrate, calibratedBranches } from '../calibration/calibrate.js';
import { chooseImages, type ChosenImages } from '../calibration/choose-images.js';
import { assertSource } from '../inference/arguments.js';
import { Detector } from '../inference/detector.js';
import { readImages } from '../calibration/read-images.js';
import { preparationOf } from '../inference/preparation.js';

export interface CombineOptions {
  /**
   * The images the students were trained on. They are scored anew: a fused score is the maximum of a sum of
   * maps, which the students' own scores do not tell.
   */
  readonly source: ImageSource;
  /** What the threshold is chosen for. Default: the first detector's own rate, else 0.05. */
  readonly falseAlarmRate?: number;
  /** Images per pass. Default: as in the first training. */
  readonly batchSize?: number;
  readonly onEvent?: EventListener;
  readonly signal?: AbortSignal;
}

/** @throws {DskdError} `invalid-argument`, `teacher-mismatch`, `input-size-mismatch` */
function assertCombinable(detectors: readonly Detector[]): void {
  const descriptions = detectors.map(({ description }) => description);
  if (descriptions.length < 2) {
    throw new DskdError('invalid-argument', `Got ${descriptions.length} detectors, wanted two or more.`);
  }
  const differing = (what: (description: DetectorDescription) => unknown): string[] => [
    ...new Set(descriptions.map((description) => JSON.stringify(what(description)))),
  ];
  const methods = differing(({ method }) => method);
  if (methods.length > 1) {
    throw new DskdError('invalid-argument', `The detectors are of different methods: ${methods.join(', ')}.`);
  }
  const teachers = differing(({ teacher }) => ({ ...teacher, embedded: undefined }));
  if (teachers.length > 1) {
    const names = descriptions.map(({ teacher }) =>
      teacher ? `${teacher.name} (SHA-256 ${teacher.sha256})` : 'none',
    );
    throw new DskdError(
      'teacher-mismatch',
      `The detectors have different teachers, or other levels of one: ${names.join('; ')}.`,
      { hint: 'Train the students on one teacher, from one weight file.' },
    );
  }
  const sizes = differing(({ inputSize }) => inputSize.join('x'));
  if (sizes.length > 1) {
    throw new DskdError(
      'input-size-mismatch',
      `The detectors have different input sizes: ${sizes.map((size) => JSON.parse(size) as string).join(', ')}.`,
      { hint: 'Train the students at one size.' },
    );
  }
  const problems: string[] = [];
  const [ignored] = detectors.map((detector) => detector.ignored?.join());
  if (detectors.some((detector) => detector.ignored?.join() !== ignored))
    problems.push('they ignore different pixels');
  const names = descriptions.flatMap(({ branches }) => branches.map(({ name }) => name));
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (twice.length > 0) problems.push(`two students are called ${twice.join(', ')}`);
  const settings = {
    'fit images differently': differing(({ resize }) => resize),
    'cut images into other tiles': differing(({ tiles }) => tiles),
    'hide ignored pixels differently': differing(({ cover }) => cover ?? null),
    'map 16-bit values differently': differing(({ intensityRange }) => intensityRange ?? null),
    'normalize, smooth or add maps differently': differing(({ fusion }) => fusion),
    'take mean and deviation of different images': differing(({ trainings }) => [
      ...new Set(trainings.map(({ options }) => options.statisticsOn ?? 'calibration')),
    ]),
  };
  for (const [what, values] of Object.entries(settings)) {
    if (values.length > 1) problems.push(`they ${what} (${values.join(' and ')})`);
  }
  if (problems.length > 0) {
    throw new DskdError('invalid-argument', `The detectors cannot be combined: ${problems.join('; ')}.`, {
      hint: 'Train the students apart with the same options but for the student.',
      details: { problems },
    });
  }
}

/** The images that a training calibrated on and trained on, by its record. */
function imagesOf(source: ImageSource, { seed, options, images }: TrainingRecord): ChosenImages {
  const { holdOutFraction, calibrateOnTraining } = options;
  const chosen = chooseImages(source, {
    seed,
    holdOutFraction:
      typeof holdOutFraction === 'number' ? holdOutFraction : TRAINING_DEFAULTS.holdOutFraction,
    onTrainingImages: calibrateOnTraining === true,
  });
  if (chosen.origin === 'validation' || chosen.training.length === images) return chosen;
  throw new DskdError(
    'dataset-invalid',
    `A student was trained on ${images} images; of ${source.name} it would be ${chosen.training.length}.`,
    { hint: 'Give the images the students were trained on.' },
  );
}

/** The samples that are in every list, in the order of the first. */
function common(lists: readonly (readonly Sample[])[]): Sample[] {
  return lists.reduce<Sample[]>(
    (kept, list) => {
      const ids = new Set(list.map(({ id }) => id));
      return kept.filter(({ id }) => ids.has(id));
    },
    [...lists[0]!],
  );
}

/**
 * Good images that calibrated every student: a validation split, or those that none of them was trained on.
 * @throws {DskdError} `dataset-invalid`
 */
async function choose(
  source: ImageSource,
  trainings: readonly TrainingRecord[],
  signal: AbortSignal | undefined,
): Promise<ChosenImages> {
  const chosen = trainings.map((record) => imagesOf(source, record));
  const origins = new Set(chosen.map(({ origin }) => origin));
  const fingerprint = await source.fingerprint(signal ? { signal } : {});
  const isTheirs = trainings.every(({ dataFingerprint }) => dataFingerprint === fingerprint);
  const needsTraining = trainings.some(({ options }) => options.statisticsOn === 'training');
  if (!isTheirs && (!origins.has('validation') || origins.size > 1 || needsTraining)) {
    throw new DskdError(
      'dataset-invalid',
      `The students were trained on other images than ${source.name} holds: which of them they have not seen is unknown.`,
      { hint: 'Give the images they were trained on, or a folder with validation/good.' },
    );
  }
  const calibration = common(chosen.map((each) => each.calibration));
  if (calibration.length === 0) {
    throw new DskdError('dataset-invalid', 'Every image was trained on by one of the students.', {
      hint: 'Train them with one seed, so that they hold out the same images, or give a folder with validation/good.',
    });
  }
  const origin = origins.size === 1 ? chosen[0]!.origin : 'held-out';
  return { training: common(chosen.map((each) => each.training)), calibration, origin };
}

/**
 * Joins students that were trained apart to one detector, branch after branch in the order given, and calibrates
 * it on good images of `source`. Trained with the same options on the same images they give, bit for bit,
 * what training them together gives.
 * @param detectors two or more with one teacher and one input size. They stay as they are. The new detector
 * uses the first one's teacher: dispose it before that.
 * @returns a detector with students of its own; the caller disposes it.
 * @throws {DskdError} `teacher-mismatch`; `input-size-mismatch`; `invalid-argument` (fewer than two, a branch
 * name twice, other settings); `dataset-invalid` (not the images they were trained on); `disposed`, `aborted`.
 */
export async function combineDetectors(
  detectors: readonly Detector[],
  { source, falseAlarmRate, batchSize, onEvent, signal }: CombineOptions,
): Promise<Detector> {
  assertSource(source, 'source of combineDetectors');
  const models = detectors.map(({ model }) => model.state());
  const descriptions = detectors.map(({ description }) => description);
  assertCombinable(detectors);
  const [first] = descriptions as [DetectorDescription, ...DetectorDescription[]];
  const method = await createMethod(first.method, first.tiles);
  if (!method.combine) {
    throw new DskdError('invalid-argument', `Models of the method ${first.method} cannot be combined.`);
  }
  const trainings = descriptions.flatMap((each) => each.trainings);
  const chosen = await choose(source, trainings, signal);
  const { teacher, ignored, thumbnails } = detectors[0]!;
  const firstBatch = trainings[0]!.fit.batchSize;
  const rate = falseAlarmRate ?? first.threshold.falseAlarmRate ?? TRAINING_DEFAULTS.falseAlarmRate;
  const onTraining = trainings[0]!.options.statisticsOn === 'training';
  const preparation = preparationOf(first, ignored);
  const lists = [chosen.calibration, ...(onTraining ? [chosen.training] : [])].map((samples) => ({
    samples,
    prepared: new PreparedImages(samples, preparation),
  }));
  const [imageHashes] = await readImages(lists, { name: source.name, onEvent, signal });
  const alsoLearned = chosen.origin === 'training' ? 0 : countAlsoLearned({ trainings }, imageHashes!);

  const saved = method.combine(models);
  const model = await method.restore(saved, { inputSize: first.inputSize, teacher });
  try {
    onEvent?.({ type: 'calibration-start', samples: chosen.calibration.length });
    const { scores, ...measured } = await calibrate(model, first.fusion, lists[0]!.prepared, {
      statistics: lists[1]?.prepared,
      batchSize: batchSize ?? (typeof firstBatch === 'number' ? firstBatch : imagesPerPass(first)),
      ignored,
      signal,
    });
    const { threshold, guaranteed } = quantileThreshold(scores, rate);
    const calibration: DetectorDescription['calibration'] = {
      images: chosen.origin,
      scores,
      ...(alsoLearned > 0 && { alsoLearned }),
    };
    const description: DetectorDescription = {
      ...first,
      config: saved.config,
      storage: descriptions.every(({ storage }) => storage === 'float16') ? 'float16' : 'float32',
      branches: calibratedBranches(model, { scores, ...measured }),
      calibration,
      threshold: {
        value: threshold,
        falseAlarmRate: rate,
        guaranteed: guaranteed && canPromise(calibration),
      },
      trainings,
    };
    return new Detector({ model, description, teacher, ignored, thumbnails });
  } catch (error) {
    model.dispose();
    throw error;
  }
}
