import type { InputTransform } from '@dskd/core';
import { createImageStudent } from '@dskd/models';
import { restoreStudent, type StudentState } from '@dskd/training';
import type { Fit, FitInput, SavedModel } from '../contract.js';
import { asJson } from '../json.js';
import { trainPlans } from '../students/train.js';
import { checkConfig } from './config.js';
import { imageExtractor, imageReading } from './image-extractor.js';
import { restoreImageModel, savedModel } from './model.js';
import { setUpStudent, SET_UP_MODULE, type ImagePlan, type ImageTraining } from './plan.js';
import { standardization } from './statistics.js';
import { measureTarget, type Target } from './target.js';

/** A trained network as a file keeps it, without what only its training uses. */
async function savedAfter(
  { branch, plan, levels, imageScore = 'map' }: ImageTraining,
  { input, target, state }: { input: InputTransform; target: Target; state: StudentState },
): Promise<SavedModel> {
  const student = createImageStudent(plan.student, { blank: true });
  try {
    restoreStudent(student, state);
    const config = checkConfig(
      asJson({ branch, student: student.config, objective: plan.objective, levels, imageScore, input }),
    );
    return savedModel(config, await student.stateDict(), target.tensors);
  } finally {
    student.dispose();
  }
}

/** Time can end a training while its skips still fade; the network is then used without something that it learned with. */
function warnOfSkips({ student }: ImagePlan, epochs: number, { onEvent }: FitInput): void {
  if (!('skips' in student) || !student.skips || epochs > student.skips.epochs) return;
  onEvent?.({
    type: 'warning',
    message:
      `The training ended after ${epochs} epochs, before its skip connections had faded (${student.skips.epochs}): ` +
      'they are left out all the same. Train longer, or set fadeEpochs to fewer epochs or 0.',
  });
}

/**
 * Trains one network that reads images by the training loop of all students. The model is made of what a file would keep
 * of it. See {@link Method.fit}.
 */
export async function fitImageStudent(
  method: string,
  input: FitInput,
  training: ImageTraining,
): Promise<Fit> {
  const { plan, epochs, minutes, earlyStopping, batchSize } = training;
  const transform =
    training.input === 'standardized'
      ? await standardization(input.trainingImages, input.signal)
      : training.input;
  const target = await measureTarget(plan.student, input);
  try {
    const { states, steps, history } = await trainPlans(input, {
      extractor: imageExtractor(transform, target.extractor, imageReading(plan.student)),
      students: [
        { name: 'network', setUpModule: SET_UP_MODULE, options: plan, setUp: () => setUpStudent(plan) },
      ],
      epochs,
      minutes,
      earlyStopping,
      batchSize,
      run: asJson({ ...input.run, plan, input: transform, earlyStopping }),
    });
    warnOfSkips(plan, history.length, input);
    const saved = await savedAfter(training, { input: transform, target, state: states[0]! });
    const record = asJson({
      epochs: history.length,
      batchSize,
      steps,
      optimizer: plan.optimizer,
      finalLosses: history.at(-1)?.losses ?? {},
      heldOutLosses: history.at(-1)?.heldOut,
      earlyStopping,
    });
    return { model: restoreImageModel(method, saved, input), record, batchSize };
  } finally {
    target.dispose();
  }
}
