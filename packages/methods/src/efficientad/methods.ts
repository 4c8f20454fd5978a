import { DskdError } from '@dskd/base';
import { summarizeImageStudent } from '@dskd/models';
import { z } from 'zod';
import type { Fit, FitInput, FitPlan, Method, ScoringDefaults } from '../contract.js';
import { TRAINING_DEFAULTS } from '../defaults.js';
import { assertTeacherGiven } from '../features/parts.js';
import { pooledOptions } from '../features/part-options.js';
import type { GaussianPart } from '../features/gaussian-part.js';
import { PooledFitter } from '../features/pooled-part.js';
import { IMAGE_AS_IT_IS } from '../image-students/image-extractor.js';
import { eachImageBatch } from '../image-students/statistics.js';
import { planEmbedding } from '../image-students/teacher-embedding.js';
import type { TargetStudentOptions } from '../patch-students/config.js';
import { estimateTargetTraining, trainNetworks, type TargetTraining } from '../patch-students/fit.js';
import { lengthOf, patchTrainingLength } from '../patch-students/options.js';
import type { TargetNetworks } from '../patch-students/networks.js';
import { EfficientAdModel, POOLED, restoreEfficientAd, studentContext } from './model.js';

const options = z.strictObject({
  ...patchTrainingLength,
  /** Steps, in whole epochs, where neither `epochs` nor `minutes` are given. */
  steps: z.int().positive().default(TRAINING_DEFAULTS.patchStudents.steps.efficientad),
  /** `small` and `medium` are EfficientAD-S and -M; `lite` is the small network with about a fifth of its channels. */
  size: z.enum(['lite', 'small', 'medium']).default('lite'),
  /** Share of the student's errors that are not hard: only the others train it. The fewer, the longer a training takes. */
  hard: z.number().min(0).lt(1).default(0.9),
  /** Images of a step that the student is held at 0 for: of random colors and shapes. */
  penaltyImages: z.int().nonnegative().default(1),
  /** How far brightness, contrast or saturation of what the autoencoder sees go from 1; 0: it sees the images themselves, and features are kept between epochs. */
  alteration: z.number().min(0).max(1).default(0),
  /** Fraction of the decoder's values that a step leaves out. */
  dropout: z.number().min(0).lt(1).default(0.2),
  /** Falls to a tenth after 95 % of the steps, where time does not end the training. */
  learningRate: z.number().positive().default(1e-3),
  /** Coupled, as in torch.optim.Adam. */
  weightDecay: z.number().min(0).default(1e-5),
});

type EfficientAdOptions = z.output<typeof options>;

/** Networks of each size; `channels` of the target, where the teacher is no patch network with its own. */
const SIZES = {
  lite: { network: 'small', widths: [24, 48], autoencoder: [16, 24], channels: 64 },
  small: { network: 'small', widths: [128, 256], autoencoder: [32, 64], channels: 384 },
  medium: { network: 'medium', widths: [256, 512], autoencoder: [32, 64], channels: 384 },
} as const;

/** What the paper trained with; its teacher is `pdn-small`. */
const PAPER = {
  size: 'small',
  hard: 0.999,
  alteration: 0.2,
  steps: 70_000,
  batchSize: 1,
  learningRate: 1e-4,
} as const;

function studentOf(method: string, plan: FitPlan, given: EfficientAdOptions): TargetStudentOptions {
  const { teacher, inputSize, seed } = plan;
  assertTeacherGiven(teacher, method);
  const { extractor } = teacher;
  const { network, widths, autoencoder, channels: usual } = SIZES[given.size];
  const { grid, channels } = planEmbedding(
    extractor,
    inputSize,
    extractor.levels.length === 1 ? undefined : usual,
  );
  const made = [true, false].map(
    (padded): TargetStudentOptions => ({
      kind: 'efficientad',
      inputSize: [inputSize[0], inputSize[1]],
      network,
      widths: [...widths],
      padded,
      channels,
      autoencoder: [...autoencoder],
      dropout: given.dropout,
      penaltyImages: given.penaltyImages,
      seed,
    }),
  );
  // A patch network has positions within the image only, as its student then; any other teacher for the whole of it.
  const fitting = made.find((one) => {
    const [shape] = summarizeImageStudent(one).outputShapes;
    return shape![0] === grid[0] && shape![1] === grid[1];
  });
  if (fitting) return fitting;
  throw new DskdError(
    'invalid-config',
    `The teacher ${extractor.name} has ${grid.join('x')} positions for ${inputSize.join('x')} pixels, its student ${made
      .map((one) => summarizeImageStudent(one).outputShapes[0]!.slice(0, 2).join('x'))
      .join(' or ')}.`,
    { hint: 'Take a teacher of several levels, pdn-small or pdn-medium.', details: { grid, inputSize } },
  );
}

function trainingOf(method: string, plan: FitPlan, given: EfficientAdOptions): TargetTraining {
  const { learningRate, weightDecay, hard, alteration, earlyStopping, batchSize } = given;
  const { epochs, minutes, rateFalls } = lengthOf(given, plan.images);
  return {
    plans: [
      {
        name: 'network',
        student: studentOf(method, plan, given),
        objective: { name: 'efficientad', options: { share: hard } },
        optimizer: {
          learningRate,
          beta1: 0.9,
          weightDecay,
          ...(rateFalls !== null && { schedule: { kind: 'step', after: rateFalls, factor: 0.1 } }),
        },
      },
    ],
    // Student and autoencoder apply ImageNet's normalization themselves: they pad after it.
    input: IMAGE_AS_IT_IS,
    alteration,
    epochs,
    minutes,
    earlyStopping,
    batchSize,
  };
}

/** Images that a covariance takes: of two, all that varies lies on one line. */
const LEAST_IMAGES = 3;

/** The Gaussian of the student's mean features over the training images (LeapMind/PUAD puad.py). */
async function fitPooled(
  networks: TargetNetworks,
  { inputSize, trainingImages, onEvent, signal }: FitInput,
): Promise<GaussianPart> {
  const context = studentContext(networks.config, inputSize);
  const fitter = new PooledFitter(POOLED, pooledOptions.parse({ pooling: 'mean' }), context);
  await eachImageBatch(trainingImages, signal, async (images) => {
    const student = await networks.compute(images, (_, [predictions]) => predictions![0]!);
    await fitter.add([student]).finally(() => student.dispose());
  });
  const { part } = await fitter.finish((done) =>
    onEvent?.({ type: 'fit-progress', stage: POOLED, done: Math.round(done * 100), total: 100 }),
  );
  return part;
}

function methodOf(
  name: 'efficientad' | 'puad',
  summary: string,
  scoring: ScoringDefaults,
): Method<EfficientAdOptions> {
  const isPooled = name === 'puad';
  return {
    name,
    summary,
    options,
    profiles: { paper: options.parse(PAPER), lite: options.parse({}) },
    needs: { teacher: true, validation: false },
    keepsPatches: () => false,
    scoring: () => scoring,
    estimate: (plan, given) => estimateTargetTraining(name, plan, trainingOf(name, plan, given)),
    async fit(input, given): Promise<Fit> {
      if (isPooled && input.images < LEAST_IMAGES) {
        throw new DskdError(
          'dataset-invalid',
          `The method ${name} fits on at least ${LEAST_IMAGES} good images; got ${input.images}, besides those that calibrate.`,
          { hint: 'Give more images of good parts: a few dozen are a good start.' },
        );
      }
      const { networks, record } = await trainNetworks(name, input, trainingOf(name, input, given));
      try {
        const pooled = isPooled ? await fitPooled(networks, input) : null;
        return { model: new EfficientAdModel(name, networks, pooled), record, batchSize: given.batchSize };
      } catch (error) {
        networks.dispose();
        throw error;
      }
    },
    restore: (saved, context) => Promise.resolve().then(() => restoreEfficientAd(name, saved, context)),
  };
}

const HALVES = { local: 0.5, global: 0.5 };

/** EfficientAD (Batzner, Heckler and König, WACV 2024), after nelson1425/EfficientAD and anomalib. */
export const efficientAdMethod = methodOf(
  'efficientad',
  'a small student of patches and an autoencoder of the whole image (Batzner et al., WACV 2024)',
  { normalization: 'quantiles', fusion: 'sum', weights: HALVES },
);

/** PUAD (Sugawara and Imamura, 2024): EfficientAD and a Gaussian of its student's mean features. */
export const puadMethod = methodOf(
  'puad',
  "efficientad, and how unusual the student's mean features are (Sugawara and Imamura, 2024)",
  { normalization: 'image-scores', fusion: 'sum', weights: { ...HALVES, [POOLED]: 1 } },
);
