import type { InputTransform } from '@dskd/core';
import { createImageStudent } from '@dskd/models';
import { restoreStudent, type StudentState } from '@dskd/training';
import type { StateDict } from '@dskd/weights';
import type { CostEstimate, FitInput, FitPlan, JsonObject } from '../contract.js';
import { assertTeacherGiven } from '../features/parts.js';
import { estimateNetworks } from '../image-students/memory.js';
import { SET_UP_MODULE, setUpStudent, type ImagePlan } from '../image-students/plan.js';
import { standardization } from '../image-students/statistics.js';
import { planEmbedding, TeacherEmbedding } from '../image-students/teacher-embedding.js';
import { asJson } from '../json.js';
import type { EarlyStopping } from '../students/early-stopping.js';
import { trainPlans } from '../students/train.js';
import { checkNetworks, type TargetStudentOptions } from './config.js';
import { imagePairs } from './image-pairs.js';
import { networkTensors, restoreNetworks, type TargetNetworks } from './networks.js';
import { targetExtractor } from './target-extractor.js';

/** How networks that predict a teacher's embedding are trained. */
export interface TargetTraining extends EarlyStopping {
  readonly plans: readonly (ImagePlan & { readonly name: string; readonly student: TargetStudentOptions })[];
  /** Of the image that the networks read. `standardized`: by the channels' means and deviations over the training set. */
  readonly input: 'standardized' | InputTransform;
  /** How far brightness, contrast or saturation of a second version of each image go from 1; 0 for none. */
  readonly alteration: number;
  readonly epochs: number;
  readonly minutes: number | undefined;
  readonly batchSize: number;
}

/** What training needs at its peak, before anything is allocated. */
export function estimateTargetTraining(
  method: string,
  plan: FitPlan,
  training: TargetTraining,
): CostEstimate {
  const { teacher, inputSize, imagesChange } = plan;
  assertTeacherGiven(teacher, method);
  const [{ student }] = training.plans as [TargetTraining['plans'][number]];
  const { grid, channels } = planEmbedding(teacher.extractor, inputSize, student.channels);
  const versions = training.alteration > 0 ? 2 : 1;
  return estimateNetworks(plan, {
    ...training,
    features: [
      [versions * inputSize[0], inputSize[1], 3],
      [versions * grid[0], grid[1], channels],
    ],
    teacher: true,
    featuresChange: imagesChange || training.alteration > 0,
  });
}

/** The weights of a trained network. */
async function weightsOf(options: TargetStudentOptions, state: StudentState): Promise<StateDict> {
  const student = createImageStudent(options, { blank: true });
  try {
    restoreStudent(student, state);
    return await student.stateDict();
  } finally {
    student.dispose();
  }
}

/**
 * Trains networks on the standardized embedding of a teacher by the training loop of all students.
 * @returns the networks, made of what a file would keep of them; the caller disposes them.
 */
export async function trainNetworks(
  method: string,
  input: FitInput,
  training: TargetTraining,
): Promise<{ readonly networks: TargetNetworks; readonly record: JsonObject }> {
  const { teacher, inputSize, trainingImages, seed, signal } = input;
  assertTeacherGiven(teacher, method);
  const { plans, alteration, epochs, minutes, earlyStopping, batchSize } = training;
  const plan = planEmbedding(teacher.extractor, inputSize, plans[0]!.student.channels);
  const transform =
    training.input === 'standardized' ? await standardization(trainingImages, signal) : training.input;
  const embedding = await TeacherEmbedding.measure(teacher.extractor, plan, {
    images: trainingImages,
    signal,
  });
  try {
    const images = alteration > 0 ? imagePairs(trainingImages, alteration, seed) : trainingImages;
    const { states, steps, history } = await trainPlans(
      { ...input, trainingImages: images },
      {
        extractor: targetExtractor(transform, embedding, inputSize),
        students: plans.map((one) => ({
          name: one.name,
          setUpModule: SET_UP_MODULE,
          options: one,
          setUp: () => setUpStudent(one),
        })),
        epochs,
        minutes,
        earlyStopping,
        batchSize,
        run: asJson({ ...input.run, plans, input: transform, alteration, earlyStopping }),
      },
    );
    const students = plans.map(({ name, student }) => ({ name, student }));
    const config = checkNetworks({ input: transform, students });
    const weights: StateDict[] = [];
    for (const [index, { student }] of plans.entries())
      weights.push(await weightsOf(student, states[index]!));
    const tensors = networkTensors(config, embedding, weights);
    const record = asJson({
      epochs: history.length,
      batchSize,
      steps,
      optimizer: plans[0]!.optimizer,
      finalLosses: history.at(-1)?.losses ?? {},
      heldOutLosses: history.at(-1)?.heldOut,
      earlyStopping,
      embedding: { channels: plan.channels, grid: plan.grid, own: plan.patches === null },
    });
    return { networks: restoreNetworks(method, config, tensors, input), record };
  } finally {
    embedding.dispose();
  }
}
