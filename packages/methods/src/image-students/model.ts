import { DskdError, isDskdError } from '@dskd/base';
import { upsampleBilinear, type FeatureExtractor, type Objective } from '@dskd/core';
import { createObjective } from '@dskd/losses';
import { createImageStudent, summarizeImageStudent, type ImageStudent } from '@dskd/models';
import { tensorFiles, type StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import type {
  AnomalyModel,
  BranchInfo,
  BranchOutput,
  BranchTensors,
  JsonObject,
  RestoreContext,
  SavedModel,
} from '../contract.js';
import { outputsOf } from '../branch-outputs.js';
import { assertInputSize } from '../input-size.js';
import { checkConfig, type ImageModelConfig } from './config.js';
import { imageExtractor, imageReading } from './image-extractor.js';
import { isTargetTensor, readsTeacher, restoreTarget, targetShapes, type Target } from './target.js';

/** Prefix of the network's tensors. */
const NETWORK = 'network';

interface Parts {
  readonly student: ImageStudent;
  readonly objective: Objective;
  /** The image and the teacher's levels. */
  readonly extractor: FeatureExtractor;
  readonly target: Target;
  /** The network's weights as they were trained or read. */
  readonly state: StateDict;
}

/** The loss of each image alone, so that it does not depend on the batch. */
function lossOfEach(
  objective: Objective,
  targets: readonly tf.Tensor4D[],
  predictions: readonly tf.Tensor4D[],
): tf.Tensor1D {
  const imageOf = (levels: readonly tf.Tensor4D[], image: number): tf.Tensor4D[] =>
    levels.map((level) => tf.slice(level, [image, 0, 0, 0], [1, -1, -1, -1]));
  const count = targets[0]!.shape[0];
  return tf.stack(
    Array.from({ length: count }, (_, image) =>
      tf.tidy(() => objective.loss(imageOf(targets, image), imageOf(predictions, image))),
    ),
  ) as tf.Tensor1D;
}

/** A network that reads images. Its map is that of its objective: the levels' maps, added or multiplied. */
class ImageStudentModel implements AnomalyModel {
  readonly branches: readonly BranchInfo[];

  /** The model disposes the student, and never the teacher. */
  constructor(
    readonly method: string,
    private readonly config: ImageModelConfig,
    private readonly parts: Parts,
  ) {
    const names = config.branch === 'both' ? (['local', 'global'] as const) : [config.branch];
    this.branches = [
      ...names.map((name) => ({ name, map: true })),
      ...(config.imageScore === 'loss' ? [{ name: this.#lossBranch, map: false }] : []),
    ];
  }

  /** A name that no map has. */
  get #lossBranch(): string {
    return this.config.branch === 'local' ? 'global' : 'pooled';
  }

  async score(images: tf.Tensor4D): Promise<BranchOutput[]> {
    return outputsOf(await this.scoreTensors(images));
  }

  async scoreTensors(images: tf.Tensor4D): Promise<BranchTensors[]> {
    const { extractor, student, objective } = this.parts;
    const { branch, imageScore, levels } = this.config;
    const { fusion, alignCorners } = levels;
    const [, height, width] = images.shape;
    const features = await extractor.extract(images);
    try {
      const targets = features.slice(student.firstTarget ?? 0);
      const { maps, losses } = tf.tidy(() => {
        const predictions = student.forward(features, { training: false });
        const levelMaps = objective
          .map(targets, predictions)
          .map((level) => upsampleBilinear(level, [height, width], { alignCorners }));
        const fuse = (one: tf.Tensor3D, other: tf.Tensor3D): tf.Tensor3D =>
          fusion === 'sum' ? tf.add(one, other) : tf.mul(one, other);
        return {
          maps: branch === 'both' ? levelMaps : [levelMaps.reduce(fuse)],
          losses: imageScore === 'loss' ? [lossOfEach(objective, targets, predictions)] : [],
        };
      });
      return [
        ...maps.map((map, index) => ({ name: this.branches[index]!.name, map })),
        ...losses.map((scores) => ({ name: this.#lossBranch, map: null, scores })),
      ];
    } finally {
      tf.dispose(features);
    }
  }

  state(): SavedModel {
    return savedModel(this.config, this.parts.state, this.parts.target.tensors);
  }

  dispose(): void {
    this.parts.student.dispose();
    this.parts.target.dispose();
  }
}

/** What a file keeps of a network: its weights under one prefix, and its target. */
export function savedModel(config: ImageModelConfig, state: StateDict, target: StateDict): SavedModel {
  const weights = [...state].map(([key, entry]) => [`${NETWORK}.${key}`, entry] as const);
  const tensors: StateDict = new Map([...weights, ...target]);
  return { config: config as unknown as JsonObject, tensors };
}

/** Before anything is allocated: a description can ask for more memory than there is. */
function assertFilled({ student }: ImageModelConfig, state: StateDict): void {
  const { parameters, buffers } = summarizeImageStudent(student);
  const got = [...state.values()].reduce((sum, { data }) => sum + data.length, 0);
  if (got >= parameters + buffers) return;
  throw new DskdError(
    'weights-mismatch',
    `The network has ${parameters + buffers} weights by its description; the file holds ${got}.`,
    { details: { got, wanted: parameters + buffers } },
  );
}

/** Refuses a network made for images of another size, or for another teacher's features. */
function assertFits({ student }: ImageModelConfig, { inputSize, teacher }: RestoreContext): void {
  assertInputSize('The network', student.inputSize, inputSize);
  if (!readsTeacher(student)) return;
  const written = (shapes: readonly (readonly number[])[]): string =>
    shapes.map((shape) => shape.join('x')).join(', ') || 'none';
  const got = summarizeImageStudent(student).outputShapes;
  const wanted = targetShapes(student, teacher, inputSize);
  if (teacher && written(got) === written(wanted)) return;
  throw new DskdError(
    teacher ? 'input-size-mismatch' : 'invalid-argument',
    `The network predicts features ${written(got)}; its teacher gives ${written(wanted)}.`,
    { hint: 'Give the teacher that it was fitted with.', details: { got, wanted } },
  );
}

/**
 * Builds the network of a saved model.
 * @throws {DskdError} `artifact-invalid`, `weights-mismatch`, `input-size-mismatch`, `invalid-argument` (no teacher, or an
 * objective that is not registered).
 */
export function restoreImageModel(
  method: string,
  { config, tensors }: SavedModel,
  context: RestoreContext,
): AnomalyModel {
  const checked = checkConfig(config);
  const state = tensorFiles.tensorsUnder(tensors, NETWORK);
  const extra = [...tensors].filter(
    ([name, { dtype }]) =>
      !(name.startsWith(`${NETWORK}.`) || isTargetTensor(checked.student, name)) ||
      (dtype !== 'F32' && dtype !== 'F16'),
  );
  if (extra.length > 0) {
    const names = extra.map(([name]) => name);
    throw new DskdError(
      'weights-mismatch',
      `The file holds tensors that are no weights of a network: ${tensorFiles.namesInWords(names)}.`,
      { details: { tensors: names } },
    );
  }
  try {
    assertFits(checked, context);
    assertFilled(checked, state);
    const objective = createObjective(checked.objective);
    const target = restoreTarget(checked.student, context.teacher, tensors);
    const student = createImageStudent(checked.student, { blank: true });
    try {
      student.loadStateDict(state);
    } catch (error) {
      student.dispose();
      target.dispose();
      throw error;
    }
    const extractor = imageExtractor(checked.input, target.extractor, imageReading(checked.student));
    return new ImageStudentModel(method, checked, { student, objective, extractor, target, state });
  } catch (error) {
    if (isDskdError(error)) throw error;
    throw new DskdError('artifact-invalid', 'The network cannot be built as it is described.', {
      cause: error,
    });
  }
}
