import { throwIfAborted } from '@dskd/base';
import { countSteps, measureStep, type BatchLevel, type MemoryEstimate } from '@dskd/training';
import { chooseImages } from './choose-images.js';
import { fittingAlternatives } from './fitting-alternatives.js';
import {
  measurable,
  measureBatch,
  measureObjective,
  measureTeacher,
  scaleNetwork,
  withRunners,
  type Measurable,
  type Measure,
} from './measure-cost.js';
import { planBranches } from './plan-branches.js';
import { estimateTrainingMemory, featureBytesPerImage, featureCacheLimit, fits } from './training-memory.js';
import { TRAINING_DEFAULTS, type TrainDetectorOptions } from './training-options.js';

export interface EstimateOptions {
  /** All the memory there is, backend and host together, in bytes. Default: only the backend's own limits count. */
  readonly availableBytes?: number;
  /** What measuring one student may take of the backend's memory, in bytes. Default 1 GiB. */
  readonly measurableBytes?: number;
  /** A measured step that would take longer than this, in seconds, is measured on fewer images. Default 5. */
  readonly stepBudget?: number;
}

/** What a training would cost on this machine, on the current backend. */
export interface TrainingCost {
  /** Memory at the peak, backend and host together. */
  readonly bytes: number;
  /** The same in parts, with the limit of each heap. */
  readonly memory: MemoryEstimate;
  /** Optimizer steps of the whole run. */
  readonly steps: number;
  /** Mean over the run: the students' step, and the teacher's pass where its features are not kept. */
  readonly secondsPerStep: number;
  /** Of the whole run, but for reading images and calibrating. */
  readonly seconds: number;
  /** How the time was found. */
  readonly measured: {
    /** Images of the largest step that was measured; the rest is extrapolated to the batch. */
    readonly images: number;
    /** Seconds of the teacher's pass over one batch. */
    readonly teacherSeconds: number;
    /** By student: seconds of one step, and the multiply-adds over those of the narrower one that was measured. */
    readonly students: Readonly<Record<string, { readonly seconds: number; readonly scaledBy: number }>>;
  };
  /** Whether fewer images or narrower students were measured than the run has: then the time is rougher. */
  readonly scaled: boolean;
  /** Where the run cannot fit: what would, as one sentence. */
  readonly alternative?: string;
}

const GIBIBYTE = 2 ** 30;

/** Seconds of a student's step on a batch, from those that were measured. */
async function scaled(
  { plan, scaledBy }: Measurable,
  seconds: number,
  levels: readonly BatchLevel[],
  batch: number,
): Promise<number> {
  if (scaledBy === 1) return seconds;
  const few = Math.min(2, batch);
  const objective = ((await measureObjective(plan, levels, few)) * batch) / few;
  return scaleNetwork(seconds, objective, scaledBy);
}

/** How many passes of the teacher over an image the run takes: features are kept as far as there is room. */
function teacherPasses(options: TrainDetectorOptions, images: number, epochs: number): number {
  const kept = Math.floor((featureCacheLimit(options) ?? GIBIBYTE) / featureBytesPerImage(options));
  return images + (epochs - 1) * Math.max(0, images - kept);
}

/**
 * What a training would cost here, before it starts: memory by arithmetic, time by real steps of throw-away
 * students with the given teacher on the current backend. A student too large to be measured (or to fit at all)
 * is measured with narrower layers, which are scaled by multiply-adds; `scaled` says so.
 * @param options what `trainDetector` would be given; its `runner` is used, too.
 * @throws {DskdError} `dataset-invalid`, `invalid-config`, `aborted`.
 */
export async function estimateTraining(
  options: TrainDetectorOptions,
  { availableBytes, measurableBytes = GIBIBYTE, stepBudget = 5 }: EstimateOptions = {},
): Promise<TrainingCost> {
  const { teacher, runner, signal } = options;
  const {
    inputSize = TRAINING_DEFAULTS.inputSize,
    batchSize = TRAINING_DEFAULTS.batchSize,
    epochs = TRAINING_DEFAULTS.epochs,
  } = options;
  const images = chooseImages(options.source, options).training.length;
  const memory = estimateTrainingMemory(options, images);
  const batch = Math.min(batchSize, images);
  const levels = teacher.extractor.outputShapes(inputSize).map((shape, level): BatchLevel => {
    return { name: teacher.extractor.levels[level]!.name, shape };
  });

  const abortable =
    (measure: Measure): Measure =>
    (count) => {
      throwIfAborted(signal);
      return measure(count);
    };
  const ofTeacher = await measureBatch(
    abortable((count) => measureTeacher(teacher.extractor, inputSize, count)),
    batch,
    batch,
    stepBudget,
  );
  const measurables = planBranches(options).map((plan) => measurable(plan, measurableBytes));
  // Students in threads are measured side by side, as they will run; others one by one, which takes less memory.
  const groups = runner ? [measurables] : measurables.map((each) => [each]);
  const students: Record<string, { seconds: number; scaledBy: number }> = {};
  let measuredImages = ofTeacher.images;
  for (const group of groups) {
    const most = Math.min(...group.map((each) => each.images));
    const { seconds, images: atOnce } = await withRunners(
      group.map(({ plan }) => plan),
      runner,
      (runners) =>
        measureBatch(
          abortable((count) => measureStep(runners, levels, count)),
          batch,
          most,
          stepBudget,
        ),
    );
    measuredImages = Math.min(measuredImages, atOnce);
    for (const each of group) {
      const whole = await scaled(each, seconds.get(each.plan.name)!, levels, batch);
      students[each.plan.name] = { seconds: whole, scaledBy: each.scaledBy };
    }
  }

  const ofStudents = Object.values(students).map(({ seconds }) => seconds);
  const studentSeconds = runner
    ? Math.max(...ofStudents)
    : ofStudents.reduce((sum, seconds) => sum + seconds, 0);
  const teacherSeconds = ofTeacher.seconds.get('teacher')!;
  const steps = countSteps(images, batchSize) * epochs;
  const seconds = steps * studentSeconds + (teacherPasses(options, images, epochs) * teacherSeconds) / batch;
  return {
    bytes: memory.total,
    memory,
    steps,
    secondsPerStep: seconds / steps,
    seconds,
    measured: { images: measuredImages, teacherSeconds, students },
    scaled: measuredImages < batch || Object.values(students).some(({ scaledBy }) => scaledBy !== 1),
    ...(!fits(memory, availableBytes) && {
      alternative: fittingAlternatives(options, images, availableBytes),
    }),
  };
}
