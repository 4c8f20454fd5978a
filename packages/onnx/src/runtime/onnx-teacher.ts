import { DskdError } from '@dskd/base';
import type { Teacher } from '@dskd/models';
import * as tf from '@tensorflow/tfjs-core';
import { encodeModel } from '../graph/encode.js';
import { mapsOperand } from '../recording/operand.js';
import { recordGraph } from '../recording/record-graph.js';
import { openSession, type OnnxOptions, type OrtModule, type OrtSession } from './onnx-runtime.js';

type Extractor = Teacher['extractor'];

interface Opened {
  readonly ort: OrtModule;
  readonly session: OrtSession;
}

/** How far the features of both may be apart, relative to the largest of a level. */
const TOLERANCE = 1e-4;

/** A graph that computes a teacher's features of images of one size; the level `i` is the output `level_i`. */
async function exportedTeacher(extractor: Extractor, height: number, width: number): Promise<Uint8Array> {
  const graph = await recordGraph({
    name: 'dskd_teacher',
    inputs: [{ name: 'images', type: 'float32', shape: [null, height, width, 3] }],
    // Channels first from the start: the mean of each channel is then subtracted along whole rows.
    prepare: (recorder, [images]) => [mapsOperand(recorder.maps(images!), images!.shape)],
    async compute([images]) {
      const features = await extractor.extract(images as tf.Tensor4D);
      return Object.fromEntries(features.map((level, index) => [`level_${index}`, level]));
    },
  });
  return encodeModel(graph, {});
}

/** A teacher's network that ONNX Runtime computes: one session for each size of images. */
class OnnxExtractor implements Extractor {
  readonly #sessions = new Map<string, Promise<Opened>>();

  constructor(
    private readonly own: Extractor,
    private readonly options: OnnxOptions,
  ) {}

  get name(): string {
    return this.own.name;
  }
  get levels(): Extractor['levels'] {
    return this.own.levels;
  }
  get inputTransform(): Extractor['inputTransform'] {
    return this.own.inputTransform;
  }

  outputShapes(inputSize: readonly [number, number]): [number, number, number][] {
    return this.own.outputShapes(inputSize);
  }

  async extract(images: tf.Tensor4D): Promise<tf.Tensor4D[]> {
    const [, height, width] = images.shape;
    const size = `${height}x${width}`;
    let session = this.#sessions.get(size);
    if (!session) {
      session = this.#open(height, width);
      this.#sessions.set(size, session);
    }
    return this.#run(await session, images);
  }

  async #open(height: number, width: number): Promise<Opened> {
    const bytes = await exportedTeacher(this.own, height, width);
    const opened = await openSession(bytes, this.options);
    const probe = tf.randomUniform<tf.Rank.R4>([2, height, width, 3], 0, 1, 'float32', 1);
    const levels = [...(await this.own.extract(probe)), ...(await this.#run(opened, probe))];
    try {
      const half = levels.length / 2;
      for (const [index, level] of levels.slice(0, half).entries()) {
        const [wanted, got] = await Promise.all([
          level.data<'float32'>(),
          levels[half + index]!.data<'float32'>(),
        ]);
        const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const error = wanted.reduce((most, value, at) => Math.max(most, Math.abs(value - got[at]!)), 0);
        if (error <= TOLERANCE * largest) continue;
        throw new DskdError(
          'not-exportable',
          `Level ${index + 1} of the teacher ${this.name} by ONNX Runtime is ${(error / largest).toExponential(1)} of its largest ` +
            `feature away from TensorFlow.js; allowed is ${TOLERANCE}.`,
          { hint: 'Compute the teacher by TensorFlow.js (`--teacher-engine tfjs`).' },
        );
      }
    } finally {
      tf.dispose([probe, ...levels]);
    }
    return opened;
  }

  async #run({ ort, session }: Opened, images: tf.Tensor4D): Promise<tf.Tensor4D[]> {
    const values = await images.data<'float32'>();
    const outputs = await session.run({ images: new ort.Tensor('float32', values, images.shape) });
    return this.levels.map((_, index) => {
      const { data, dims } = outputs[`level_${index}`]!;
      return tf.tensor4d(data as Float32Array, [...dims] as [number, number, number, number]);
    });
  }

  dispose(): void {
    for (const session of this.#sessions.values()) {
      // A session that did not open has thrown already where it was wanted.
      session.then((opened) => opened.session.release()).catch(() => undefined);
    }
    this.own.dispose();
  }
}

/**
 * A teacher whose features ONNX Runtime computes, for a fit that is faster on a CPU: the same to 1e-4 of the largest feature, which
 * is checked on random images. The first images of a size cost an export and a session; nothing else may compute with
 * TensorFlow.js in this thread meanwhile.
 * @param teacher belongs to the result, which disposes it.
 * @throws {DskdError} from `extract`: `not-exportable`, for a network that an export does not know or that differs;
 * `dependency-missing`.
 */
export function onnxTeacher(teacher: Teacher, options: OnnxOptions = {}): Teacher {
  const extractor = new OnnxExtractor(teacher.extractor, options);
  return { ...teacher, extractor, dispose: () => extractor.dispose() };
}
