import type { Objective } from '@dskd/core';
import { createObjective } from '@dskd/losses';
import type { Teacher } from '@dskd/models';
import { tensorFiles, type StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type {
  AnomalyModel,
  BranchInfo,
  BranchOutput,
  BranchTensors,
  JsonObject,
  RestoreContext,
  SavedModel,
  Size,
} from '../contract.js';
import type { PartContext } from '../features/parts.js';
import type { GaussianPart } from '../features/gaussian-part.js';
import { restorePooled } from '../features/pooled-part.js';
import { IMAGE_AS_IT_IS } from '../image-students/image-extractor.js';
import { networksConfig, type NetworksConfig } from '../patch-students/config.js';
import { assertNothingElse, restoreNetworks, type TargetNetworks } from '../patch-students/networks.js';

/** Name of the branch of PUAD's Gaussian, and prefix of its tensors. */
export const POOLED = 'pooled';

const config = networksConfig.extend({
  /** Of the Gaussian of PUAD. */
  pooled: z.record(z.string(), z.json()).nullable(),
});

/** The student's features as those of a teacher, which PUAD's Gaussian is fitted on; it is given the features. */
export function studentContext({ students }: NetworksConfig, inputSize: Size): PartContext {
  const { channels } = students[0]!.student;
  const unused = (): never => {
    throw new Error('Features of the student are computed by its model.');
  };
  const teacher: Teacher = {
    extractor: {
      name: 'student',
      levels: [{ name: 'student', channels, stride: 4 }],
      inputTransform: IMAGE_AS_IT_IS,
      outputShapes: unused,
      extract: unused,
      dispose: unused,
    },
    sha256: '',
    dispose: unused,
  };
  return { teacher, inputSize };
}

/** Student and autoencoder of EfficientAD, and the Gaussian of the student's mean features where it is PUAD's. */
export class EfficientAdModel implements AnomalyModel {
  readonly branches: readonly BranchInfo[];
  readonly #objective: Objective = createObjective({ name: 'efficientad' });

  /** The model disposes networks and Gaussian. */
  constructor(
    readonly method: string,
    private readonly networks: TargetNetworks,
    private readonly pooled: GaussianPart | null,
  ) {
    const maps = ['local', 'global'].map((name) => ({ name, map: true }));
    this.branches = pooled ? [...maps, pooled.info] : maps;
  }

  async score(images: tf.Tensor4D): Promise<BranchOutput[]> {
    const { maps, student } = await this.#compute(images);
    try {
      return this.pooled ? [...maps, await this.pooled.score([student], images)] : maps;
    } catch (error) {
      tf.dispose(maps.map(({ map }) => map));
      throw error;
    } finally {
      student.dispose();
    }
  }

  async scoreTensors(images: tf.Tensor4D): Promise<BranchTensors[]> {
    const { maps, student } = await this.#compute(images);
    const outputs: BranchTensors[] = this.pooled
      ? [...maps, this.pooled.scoreTensors([student], images)]
      : maps;
    student.dispose();
    return outputs;
  }

  /** The maps of both branches, and the student's features, which the Gaussian reads. */
  async #compute(
    images: tf.Tensor4D,
  ): Promise<{ readonly maps: { name: string; map: tf.Tensor3D }[]; readonly student: tf.Tensor4D }> {
    const [local, global, student] = await this.networks.compute(images, (target, [predictions]) => {
      const maps = this.#objective.map([target], predictions!).map((map) => this.networks.toImageSize(map));
      return [...maps, predictions![0]!] as [tf.Tensor3D, tf.Tensor3D, tf.Tensor4D];
    });
    return {
      maps: [
        { name: 'local', map: local },
        { name: 'global', map: global },
      ],
      student,
    };
  }

  state(): SavedModel {
    const saved = this.pooled?.save();
    const tensors: StateDict = this.networks.tensors();
    for (const [key, entry] of saved?.tensors ?? []) tensors.set(`${POOLED}.${key}`, entry);
    return {
      config: { ...(this.networks.config as unknown as JsonObject), pooled: saved?.config ?? null },
      tensors,
    };
  }

  dispose(): void {
    this.networks.dispose();
    this.pooled?.dispose();
  }
}

/**
 * Restores a model of EfficientAD or PUAD.
 * @throws {DskdError} `artifact-invalid`, `weights-mismatch`, `input-size-mismatch`, `invalid-argument` (no teacher).
 */
export function restoreEfficientAd(
  method: string,
  saved: SavedModel,
  context: RestoreContext,
): EfficientAdModel {
  const { pooled, ...own } = tensorFiles.checkMetadata(config, saved.config, 'detector');
  const networks = restoreNetworks(method, own, saved.tensors, context);
  try {
    const part =
      pooled &&
      restorePooled(
        POOLED,
        pooled,
        tensorFiles.tensorsUnder(saved.tensors, POOLED),
        studentContext(own, context.inputSize),
      );
    const model = new EfficientAdModel(method, networks, part);
    assertNothingElse(saved.tensors, model.state().tensors);
    return model;
  } catch (error) {
    networks.dispose();
    throw error;
  }
}
