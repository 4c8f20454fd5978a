import { createNormalizationAccumulator } from '@dskd/scoring';
import { tensorFiles } from '@dskd/weights';
import type { ImageSet } from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { AnomalyModel, BranchInfo, BranchOutput, RestoreContext, SavedModel } from '../contract.js';
import { eachImageBatch } from '../image-students/statistics.js';
import { asJson } from '../json.js';
import { networksConfig, type NetworksConfig } from '../patch-students/config.js';
import { assertNothingElse, restoreNetworks, type TargetNetworks } from '../patch-students/networks.js';

const moments = z.strictObject({ mean: z.number(), deviation: z.number().positive() });

const constantsSchema = z.strictObject({
  /** Of the squared error of the students' mean. */
  error: moments,
  /** Of the students' variance. */
  variance: moments,
});

const config = networksConfig.extend({
  /** By the side of a student's patches: its maps' mean and deviation over good images that no student was trained on. */
  constants: z.record(z.string(), constantsSchema),
});

type Constants = Readonly<Record<string, z.output<typeof constantsSchema>>>;

/** The students of each side of patches, by their places among all. */
function groupsOf({ students }: NetworksConfig): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const [index, { student }] of students.entries()) {
    const side = student.kind === 'patch' ? String(student.side) : 'image';
    groups.set(side, [...(groups.get(side) ?? []), index]);
  }
  return groups;
}

/**
 * The squared error of the mean of some students, and their variance, both summed over channels, for each position (Bergmann et
 * al., CVPR 2020, Eq. 7 and 8). Call it inside `tf.tidy`.
 */
function mapsOf(
  target: tf.Tensor4D,
  students: readonly tf.Tensor4D[],
): { error: tf.Tensor3D; variance: tf.Tensor3D } {
  const mean = tf.div<tf.Tensor4D>(tf.addN([...students]), students.length);
  const distances = students.map((student) => tf.sum<tf.Tensor3D>(tf.squaredDifference(student, mean), 3));
  return {
    error: tf.sum<tf.Tensor3D>(tf.squaredDifference(mean, target), 3),
    variance: tf.div<tf.Tensor3D>(tf.addN(distances), students.length),
  };
}

/** Mean and deviation of the maps of each group of students, over all positions of good images. */
export async function measureConstants(
  networks: TargetNetworks,
  images: ImageSet,
  signal: AbortSignal | undefined,
): Promise<Constants> {
  const groups = [...groupsOf(networks.config)];
  const kinds = ['error', 'variance'] as const;
  const collected = groups.map(() => kinds.map(() => createNormalizationAccumulator('moments')));
  await eachImageBatch(images, signal, async (batch) => {
    const maps = await networks.compute(batch, (target, predictions) =>
      groups.map(([, members]) => {
        const { error, variance } = mapsOf(
          target,
          members.map((member) => predictions[member]![0]!),
        );
        return [error, variance];
      }),
    );
    try {
      for (const [group, both] of maps.entries()) {
        for (const [kind, map] of both.entries()) collected[group]![kind]!.add(await map.data<'float32'>());
      }
    } finally {
      tf.dispose(maps);
    }
  });
  return Object.fromEntries(
    groups.map(([side], group) => {
      const [error, variance] = collected[group]!.map((one) => {
        const { offset, scale } = one.result();
        // Of maps that are the same everywhere there is nothing to compare with.
        return { mean: offset, deviation: scale > 0 ? scale : 1 };
      });
      return [side, { error: error!, variance: variance! }];
    }),
  );
}

/** Uninformed students: how far they are from the teacher and from each other. */
export class UninformedModel implements AnomalyModel {
  readonly branches: readonly BranchInfo[] = [{ name: 'local', map: true }];
  readonly #groups: ReadonlyMap<string, number[]>;

  /** The model disposes the networks. */
  constructor(
    readonly method: string,
    private readonly networks: TargetNetworks,
    private readonly constants: Constants,
  ) {
    this.#groups = groupsOf(networks.config);
  }

  score(images: tf.Tensor4D): Promise<BranchOutput[]> {
    return this.scoreTensors(images);
  }

  async scoreTensors(images: tf.Tensor4D): Promise<{ name: string; map: tf.Tensor3D }[]> {
    const map = await this.networks.compute(images, (target, predictions) => {
      const scores = [...this.#groups].map(([side, members]) => {
        const { error, variance } = mapsOf(
          target,
          members.map((member) => predictions[member]![0]!),
        );
        const own = this.constants[side]!;
        const normalized = (raw: tf.Tensor3D, { mean, deviation }: z.output<typeof moments>): tf.Tensor3D =>
          tf.div(tf.sub(raw, mean), deviation);
        return tf.add<tf.Tensor3D>(normalized(error, own.error), normalized(variance, own.variance));
      });
      return this.networks.toImageSize(tf.div<tf.Tensor3D>(tf.addN(scores), scores.length));
    });
    return [{ name: 'local', map }];
  }

  state(): SavedModel {
    const { config: own } = this.networks;
    return {
      config: asJson({ ...own, constants: this.constants }),
      tensors: this.networks.tensors(),
    };
  }

  dispose(): void {
    this.networks.dispose();
  }
}

/**
 * Restores a model of uninformed students.
 * @throws {DskdError} `artifact-invalid`, `weights-mismatch`, `input-size-mismatch`, `invalid-argument` (no teacher).
 */
export function restoreUninformed(
  method: string,
  saved: SavedModel,
  context: RestoreContext,
): UninformedModel {
  const whole = config.refine(
    ({ constants, ...own }) => [...groupsOf(own as NetworksConfig).keys()].every((side) => constants[side]),
    'each side of patches needs its constants',
  );
  const { constants, ...own } = tensorFiles.checkMetadata(whole, saved.config, 'detector');
  const networks = restoreNetworks(method, own, saved.tensors, context);
  try {
    const model = new UninformedModel(method, networks, constants);
    assertNothingElse(saved.tensors, model.state().tensors);
    return model;
  } catch (error) {
    networks.dispose();
    throw error;
  }
}
