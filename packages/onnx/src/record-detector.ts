import { DskdError, isDskdError } from '@dskd/base';
import { scoreTensors, type Detector, type DetectorDescription, type ScoredTensors } from '@dskd/detector';
import type { AnomalyModel } from '@dskd/methods';
import * as tf from '@tensorflow/tfjs-core';
import { castTo, type Graph, type Port } from './graph/graph.js';
import { metadataOf } from './metadata.js';
import { plainOperand, type Operand, type Recorder } from './recording/operand.js';
import { recordGraph } from './recording/record-graph.js';

/** The graph of a detector, and the texts that go with it. */
export interface RecordedDetector {
  readonly graph: Graph;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes of images as numbers in 0..1, and bytes of masks as truth values. */
function prepared(recorder: Recorder, [images, used]: readonly Operand[]): Operand[] {
  const values = recorder.node('Cast', [recorder.plain(images!)], castTo('float32'));
  const unit = recorder.node('Div', [values, recorder.scalar(255)]);
  const inputs = [plainOperand(unit, images!.shape)];
  if (used)
    inputs.push(
      plainOperand(recorder.node('Cast', [recorder.plain(used)], castTo('bool')), used.shape, 'bool'),
    );
  return inputs;
}

/** Which pixels count: those of the input that are not ignored. Null where all do. */
function counting(
  used: tf.Tensor3D | undefined,
  ignored: Uint8Array | null,
  [height, width]: readonly [number, number],
): tf.Tensor3D | null {
  const fixed = ignored && tf.tensor3d(ignored.map((value) => (value === 0 ? 1 : 0)), [1, height, width], 'bool'); // prettier-ignore
  if (used && fixed) return tf.logicalAnd(used, fixed);
  return used ?? fixed;
}

/**
 * A copy of the images with the pixels that never count hidden as `Preparation.cover` hides them: a graph is also given images
 * that were not. By a product and a sum, which are exact here; a selection would depend on the number of images.
 */
function covered(
  images: tf.Tensor4D,
  ignored: Uint8Array | null,
  { cover, inputSize: [height, width] }: DetectorDescription,
): tf.Tensor4D {
  if (!cover || !ignored) return tf.clone(images);
  return tf.tidy(() => {
    const hides = tf.tensor4d(Float32Array.from(ignored), [1, height, width, 1]);
    const color = tf.tensor4d(cover.map((byte) => byte / 255), [1, 1, 1, 3]); // prettier-ignore
    return tf.add<tf.Tensor4D>(tf.mul(images, tf.sub(1, hides)), tf.mul(hides, color));
  });
}

/** The outputs of the graph by name. */
function resultsOf({ map, scores, branches }: ScoredTensors): Record<string, tf.Tensor> {
  const results: Record<string, tf.Tensor> = { score: scores };
  if (map) results.anomaly_map = map;
  for (const branch of branches) {
    results[`score.${branch.name}`] = branch.scores!;
    if (branch.map) results[`anomaly_map.${branch.name}`] = branch.map;
  }
  return results;
}

function scoringOf({ branches, fusion, inputSize }: DetectorDescription): Parameters<typeof scoreTensors>[1] {
  return {
    fusion,
    inputSize,
    normalizations: new Map(branches.map(({ name, normalization }) => [name, normalization])),
  };
}

function assertExportable(
  model: AnomalyModel,
): asserts model is AnomalyModel & Required<Pick<AnomalyModel, 'scoreTensors'>> {
  if (model.scoreTensors) return;
  throw new DskdError(
    'not-exportable',
    `The method ${model.method} cannot be exported: it computes scores outside of tensors.`,
    {
      hint: 'Methods of networks and matrices can: dskd, rd, instant, patchcore, fre, padim, gaussian, stfpm, efficientad.',
      details: { method: model.method },
    },
  );
}

/**
 * Records a detector as a graph.
 * @param masks whether the graph has the input `used` in any case.
 * @throws {DskdError} `not-exportable` naming the method, branch or operation; `disposed`
 */
export async function recordDetector(detector: Detector, masks: boolean): Promise<RecordedDetector> {
  const { model, description, ignored } = detector;
  assertExportable(model);
  const [height, width] = description.inputSize;
  const hasUsed = masks || description.resize.fit === 'letterbox';
  const inputs: Port[] = [{ name: 'images', type: 'uint8', shape: [null, height, width, 3] }];
  if (hasUsed) inputs.push({ name: 'used', type: 'uint8', shape: [null, height, width] });
  try {
    const graph = await recordGraph({
      name: `dskd_${description.method}`,
      inputs,
      prepare: prepared,
      async compute([images, used]) {
        const seen = covered(images as tf.Tensor4D, ignored, description);
        const outputs = await model.scoreTensors(seen).finally(() => seen.dispose());
        try {
          return tf.tidy(() => {
            const counts = counting(used as tf.Tensor3D | undefined, ignored, [height, width]);
            return resultsOf(scoreTensors(outputs, scoringOf(description), counts));
          });
        } finally {
          for (const { map, scores } of outputs) tf.dispose([map, scores].filter((tensor) => tensor != null));
        }
      },
    });
    return { graph, metadata: metadataOf({ description, ignored }) };
  } catch (error) {
    if (isDskdError(error) && error.code === 'not-exportable' && error.details.method === undefined) {
      throw new DskdError(
        'not-exportable',
        error.message.replace(/^This model/, `The method ${model.method}`),
        {
          ...(error.hint !== undefined && { hint: error.hint }),
          details: { ...error.details, method: model.method },
          cause: error,
        },
      );
    }
    throw error;
  }
}
