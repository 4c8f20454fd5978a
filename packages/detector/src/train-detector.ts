import { PreparedImages } from '@dskd/data';
import { createObjective } from '@dskd/losses';
import { createStudent } from '@dskd/models';
import { defaultSigma, quantileThreshold } from '@dskd/scoring';
import {
  inProcessRunner,
  restoreStudent,
  trainStudents,
  type CheckpointOptions,
  type StudentRunner,
  type StudentState,
  type TrainingState,
} from '@dskd/training';
import type { StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { studentTask, type BranchModel, type BranchPlan } from './branches.js';
import { calibrate, measureNormalizations, type Calibration } from './calibrate.js';
import { assertSameRun, readCheckpoint, writeCheckpoint, type RunDescription } from '@dskd/training';
import { chooseImages, type ChosenImages } from './choose-images.js';
import { FORMAT_VERSION, type DetectorDescription, type TrainingRecord } from './description.js';
import { describeRun } from './describe-run.js';
import { DEFAULT_FALSE_ALARM_RATE, Detector } from './detector.js';
import { assertTrainingFits } from './fitting-alternatives.js';
import type { FusionRule } from './fusion-rule.js';
import { withInitialStates } from './initial-states.js';
import { ignoredAtNetworkSize } from './ignored-pixels.js';
import { planBranches } from './plan-branches.js';
import { preparationOf, resizeRule } from './preparation.js';
import { recordedOptions } from './recorded-options.js';
import { TRAINING_DEFAULTS as DEFAULTS, type TrainDetectorOptions } from './training-options.js';
import { assertSha256 } from './teacher.js';
import { VERSION } from './version.js';

/**
 * Learns what good images look like: trains the students, then calibrates means, deviations and the
 * threshold on good images the students have not seen.
 * @returns a detector; the caller disposes it, then the teacher.
 * @throws {DskdError} before anything is trained `dataset-invalid`, `invalid-config`, `out-of-memory`,
 * `invalid-argument` (a teacher without a SHA-256, an objective that this thread does not know), and for a checkpoint
 * of another run `input-size-mismatch` or `invalid-argument`; then `numerical-instability`, `aborted`, and what
 * reading images throws.
 */
export async function trainDetector(options: TrainDetectorOptions): Promise<Detector> {
  const {
    inputSize = DEFAULTS.inputSize,
    epochs = DEFAULTS.epochs,
    batchSize = DEFAULTS.batchSize,
  } = options;
  const { seed = DEFAULTS.seed, reestimateBatchNorm = false, augmentation, onEvent, signal } = options;
  assertSha256(options.teacher);
  const [height, width] = inputSize;
  const resize = resizeRule(options);
  const preparation = preparationOf({ inputSize: [height, width], resize });
  const ignored = options.ignored
    ? ignoredAtNetworkSize(options.ignored, { inputSize, fit: resize.fit })
    : null;
  const chosen = chooseImages(options.source, options);
  const plans = planBranches(options);
  assertTrainingFits(options, chosen.training.length);
  const training = new PreparedImages(chosen.training, {
    ...preparation,
    ...(augmentation && { augment: { augmentation, seed } }),
  });
  const dataFingerprint = await options.source.fingerprint(signal ? { signal } : {});
  const run = describeRun(options, plans, dataFingerprint);
  const resumeFrom = options.resumeFrom && stateOfRun(options.resumeFrom, run);

  const runners: StudentRunner[] = [];
  let trained: Awaited<ReturnType<typeof trainStudents>>;
  const inThisThread: { dispose(): void }[] = [];
  try {
    for (const plan of withInitialStates(plans, options)) {
      if (options.runner) {
        runners.push(await options.runner(plan));
      } else {
        const task = studentTask(plan);
        inThisThread.push(task.student);
        runners.push(inProcessRunner(task));
      }
    }
    trained = await trainStudents({
      teacher: options.teacher.extractor,
      students: runners,
      images: {
        length: training.length,
        changesEachEpoch: augmentation !== undefined,
        batch: (indices, epoch) => training.batch(indices, { epoch }),
      },
      epochs,
      batchSize,
      seed,
      reestimateBatchNorm,
      ...(signal && { signal }),
      ...(onEvent && { onEvent }),
      ...(options.featureCacheBytes !== undefined && {
        featureCache: { maxBytes: options.featureCacheBytes },
      }),
      ...(options.checkpoint && { checkpoint: checkpointTo(options.checkpoint, run) }),
      ...(resumeFrom && { resumeFrom }),
    });
  } finally {
    await Promise.all(runners.map((runner) => runner.dispose()));
    for (const student of inThisThread) student.dispose();
  }

  const branches: (BranchModel & { readonly state: StateDict })[] = [];
  try {
    for (const [index, plan] of plans.entries())
      branches.push(await trainedBranch(plan, trained.states[index]!));
    const rule: FusionRule = {
      alignCorners: true,
      sigma: options.sigma ?? defaultSigma([height, width]),
      normalization: options.normalization ?? 'moments',
    };
    onEvent?.({ type: 'calibration-start', samples: chosen.calibration.length });
    const { extractor } = options.teacher;
    const normalizations =
      options.statisticsOn === 'training'
        ? await measureNormalizations(
            extractor,
            branches,
            rule,
            new PreparedImages(chosen.training, preparation),
            {
              batchSize,
              ignored,
              signal,
            },
          )
        : undefined;
    const calibration = await calibrate(
      extractor,
      branches,
      rule,
      new PreparedImages(chosen.calibration, preparation),
      { batchSize, normalizations, ignored, signal },
    );
    const record: TrainingRecord = {
      branches: plans.map(({ name }) => name),
      seed,
      epochs,
      batchSize,
      steps: trained.steps,
      images: chosen.training.length,
      dataFingerprint,
      learningRates: Object.fromEntries(plans.map(({ name, optimizer }) => [name, optimizer.learningRate])),
      reestimatedBatchNorm: reestimateBatchNorm,
      finalLosses: trained.history.at(-1)?.losses ?? {},
      augmentation: augmentation
        ? (JSON.parse(JSON.stringify(augmentation)) as TrainingRecord['augmentation'])
        : null,
      options: recordedOptions(options),
      backend: tf.getBackend(),
      versions: { '@dskd/detector': VERSION, '@tensorflow/tfjs-core': tf.version_core },
    };
    const description: DetectorDescription = {
      ...describeModel(options, plans, rule, calibration, chosen),
      resize,
      ignored: ignored !== null,
      trainings: [record],
    };
    return new Detector(options.teacher, false, branches, description, ignored);
  } catch (error) {
    for (const { student } of branches) student.dispose();
    throw error;
  }
}

/** Checkpoints as bytes, as this package's callers take them. */
function checkpointTo(
  wanted: NonNullable<TrainDetectorOptions['checkpoint']>,
  run: RunDescription,
): CheckpointOptions {
  return {
    everyEpochs: wanted.everyEpochs,
    save: async (state) => wanted.save(writeCheckpoint({ state, run })),
  };
}

/** The state in a checkpoint of this run. */
function stateOfRun(bytes: Uint8Array, run: RunDescription): TrainingState {
  const checkpoint = readCheckpoint(bytes);
  assertSameRun(checkpoint, run);
  return checkpoint.state;
}

/** The student of a plan in this thread, holding what was trained wherever it was trained. */
async function trainedBranch(
  plan: BranchPlan,
  trained: StudentState,
): Promise<BranchModel & { readonly state: StateDict }> {
  const student = createStudent(plan.student, { blank: true });
  restoreStudent(student, trained);
  return {
    name: plan.name,
    student,
    objective: createObjective(plan.objective),
    state: await student.stateDict(),
  };
}

function describeModel(
  {
    teacher,
    inputSize = DEFAULTS.inputSize,
    falseAlarmRate = DEFAULT_FALSE_ALARM_RATE,
  }: TrainDetectorOptions,
  plans: readonly BranchPlan[],
  rule: FusionRule,
  calibration: Calibration,
  { origin }: ChosenImages,
): Omit<DetectorDescription, 'resize' | 'ignored' | 'trainings'> {
  const { threshold, guaranteed } = quantileThreshold(calibration.scores, falseAlarmRate);
  const { name, levels, inputTransform } = teacher.extractor;
  const { channelOrder, scale, mean, standardDeviation } = inputTransform;
  return {
    format: FORMAT_VERSION,
    teacher: {
      name,
      sha256: teacher.sha256,
      embedded: teacher.weights !== undefined,
      levels: levels.map((level) => ({ ...level })),
      inputTransform: { channelOrder, scale, mean: [...mean], standardDeviation: [...standardDeviation] },
    },
    inputSize: [inputSize[0], inputSize[1]],
    storage: 'float32',
    branches: plans.map((plan) => ({
      name: plan.name,
      student: JSON.parse(JSON.stringify(plan.student)) as DetectorDescription['branches'][number]['student'],
      objective: JSON.parse(
        JSON.stringify(plan.objective),
      ) as DetectorDescription['branches'][number]['objective'],
      normalization: calibration.normalizations.get(plan.name)!,
      calibrationScores: calibration.branchScores.get(plan.name)!,
    })),
    fusion: { levels: 'sum', ...rule },
    calibration: { images: origin, scores: calibration.scores },
    threshold: { value: threshold, falseAlarmRate, guaranteed },
  };
}
