import { DskdError, isDskdError } from '@dskd/base';
import { upsampleBilinear, type FeatureExtractor } from '@dskd/core';
import { createImageStudent, summarizeImageStudent, type ImageStudent } from '@dskd/models';
import { tensorFiles, type StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import type { RestoreContext, Size } from '../contract.js';
import { assertTeacherGiven } from '../features/parts.js';
import { planEmbedding, TeacherEmbedding } from '../image-students/teacher-embedding.js';
import { assertInputSize } from '../input-size.js';
import type { NetworksConfig, TargetStudentOptions } from './config.js';
import { targetExtractor } from './target-extractor.js';

/** Positions of an unpadded patch network begin so many positions after those of the whole image. */
const OUTSIDE = 4;
const STRIDE = 4;

/** Networks of images, and the embedding of the teacher that they predict. */
export class TargetNetworks {
  readonly #extractor: FeatureExtractor;

  constructor(
    readonly config: NetworksConfig,
    private readonly inputSize: Size,
    private readonly embedding: TeacherEmbedding,
    private readonly students: readonly ImageStudent[],
    private readonly states: readonly StateDict[],
  ) {
    this.#extractor = targetExtractor(config.input, embedding, inputSize);
  }

  /**
   * Calls `use`, in a tidy, with the target of images and what each network returns for them.
   * @param images float32 `[batch, height, width, 3]`, RGB, 0..1; the caller keeps them.
   */
  async compute<T extends tf.TensorContainer>(
    images: tf.Tensor4D,
    use: (target: tf.Tensor4D, predictions: readonly tf.Tensor4D[][]) => T,
  ): Promise<T> {
    const features = await this.#extractor.extract(images);
    try {
      return tf.tidy(() =>
        use(
          features[1]!,
          this.students.map((student) => student.forward(features, { training: false })),
        ),
      );
    } finally {
      tf.dispose(features);
    }
  }

  /**
   * Brings maps of the target's positions to the size of the images, bilinearly with half-pixel centers. Where the positions
   * are not those of the whole image, the border has the values beside it.
   * @param map `[batch, height, width]`. Call it inside `tf.tidy`.
   */
  toImageSize(map: tf.Tensor3D): tf.Tensor3D {
    const indices = this.inputSize.map((side, axis) => {
      const got = map.shape[axis + 1]!;
      const whole = Math.ceil(side / STRIDE);
      const before = got === whole ? 0 : OUTSIDE;
      return Array.from({ length: whole }, (_, at) => Math.min(got - 1, Math.max(0, at - before)));
    });
    let extended = map;
    for (const [axis, own] of indices.entries()) {
      if (own.length === map.shape[axis + 1]) continue;
      extended = tf.gather(extended, tf.tensor1d(own, 'int32'), axis + 1);
    }
    return upsampleBilinear(extended, [this.inputSize[0], this.inputSize[1]], { alignCorners: false });
  }

  /** What a file keeps of them. */
  tensors(): StateDict {
    return networkTensors(this.config, this.embedding, this.states);
  }

  dispose(): void {
    for (const student of this.students) student.dispose();
    this.embedding.dispose();
  }
}

/** Tensors of networks and embedding by the names of a file. Vectors stay float32 in a file of float16. */
export function networkTensors(
  { students }: NetworksConfig,
  embedding: TeacherEmbedding,
  states: readonly StateDict[],
): StateDict {
  const tensors = embedding.tensors();
  for (const [index, { name }] of students.entries()) {
    for (const [key, entry] of states[index]!) tensors.set(`networks.${name}.${key}`, entry);
  }
  return tensors;
}

/** Before anything is allocated: a description can ask for more memory than there is. */
function assertFilled(name: string, student: TargetStudentOptions, state: StateDict): void {
  const { parameters } = summarizeImageStudent(student);
  const got = [...state.values()].reduce((sum, { data }) => sum + data.length, 0);
  if (got >= parameters) return;
  throw new DskdError(
    'weights-mismatch',
    `The network '${name}' has ${parameters} weights by its description; the file holds ${got}.`,
    { details: { network: name, got, wanted: parameters } },
  );
}

/** Refuses networks that do not predict this teacher's embedding of images of this size. */
function assertFits(
  { students }: NetworksConfig,
  { grid, channels }: { readonly grid: Size; readonly channels: number },
  inputSize: Size,
): void {
  const wanted = [...grid, channels];
  for (const { name, student } of students) {
    assertInputSize('The network', student.inputSize, inputSize);
    const [got] = summarizeImageStudent(student).outputShapes;
    if (got!.join() === wanted.join()) continue;
    throw new DskdError(
      'input-size-mismatch',
      `The network '${name}' predicts ${got!.join('x')}; the embedding of its teacher is ${wanted.join('x')}.`,
      { hint: 'Give the teacher that it was fitted with.', details: { network: name, got, wanted } },
    );
  }
}

/**
 * Builds the networks of a saved model, of which `tensors` holds them and more.
 * @throws {DskdError} `artifact-invalid`, `weights-mismatch`, `input-size-mismatch`, `invalid-argument` (no teacher).
 */
export function restoreNetworks(
  method: string,
  config: NetworksConfig,
  tensors: StateDict,
  { teacher, inputSize }: RestoreContext,
): TargetNetworks {
  assertTeacherGiven(teacher, method);
  const { channels } = config.students[0]!.student;
  const plan = planEmbedding(teacher.extractor, inputSize, channels);
  const made: { dispose(): void }[] = [];
  try {
    assertFits(config, plan, inputSize);
    const states = config.students.map(({ name, student }) => {
      const state = tensorFiles.tensorsUnder(tensors, `networks.${name}`);
      assertFilled(name, student, state);
      return state;
    });
    const embedding = TeacherEmbedding.restore(teacher.extractor, plan, tensors);
    made.push(embedding);
    const students = config.students.map(({ student: options }, index) => {
      const student = createImageStudent(options, { blank: true });
      made.push(student);
      student.loadStateDict(states[index]!);
      return student;
    });
    return new TargetNetworks(config, inputSize, embedding, students, states);
  } catch (error) {
    for (const one of made) one.dispose();
    if (isDskdError(error)) throw error;
    throw new DskdError('artifact-invalid', 'The networks cannot be built as they are described.', {
      cause: error,
    });
  }
}

/**
 * Refuses tensors that a model does not use, or that are no floats.
 * @throws {DskdError} `weights-mismatch`
 */
export function assertNothingElse(tensors: StateDict, used: StateDict): void {
  const extra = [...tensors].filter(
    ([name, { dtype }]) => !used.has(name) || (dtype !== 'F32' && dtype !== 'F16'),
  );
  if (extra.length === 0) return;
  const names = extra.map(([name]) => name);
  throw new DskdError(
    'weights-mismatch',
    `The file holds tensors that are no weights of its networks: ${tensorFiles.namesInWords(names)}.`,
    { details: { tensors: names } },
  );
}
