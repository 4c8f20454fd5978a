import type { InputTransform } from '@dskd/core';
import { createObjective } from '@dskd/losses';
import { createImageStudent, type ImageStudentOptions } from '@dskd/models';
import type { OptimizerOptions, ParameterGroups, StudentTask } from '@dskd/training';
import type { EarlyStopping } from '../students/early-stopping.js';

/** How the maps of a student's levels become one: each brought to the input size, then added or multiplied. */
export interface LevelFusion {
  readonly fusion: 'sum' | 'product';
  readonly alignCorners: boolean;
}

/** An objective by its name. */
interface ObjectivePlan {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** All that is needed to build and train one network of images, here or in a worker. Structured-cloneable. */
export interface ImagePlan {
  /** Unique within a training. Default `network`. */
  readonly name?: string;
  readonly student: ImageStudentOptions;
  /** Also of the map and, where its user wants it, of the image score. */
  readonly objective: ObjectivePlan;
  readonly optimizer: OptimizerOptions | ParameterGroups;
  /** Of groups of parameters that have others than `objective`. */
  readonly objectives?: Readonly<Record<string, ObjectivePlan>>;
}

/** One method of a network of images: what it builds and how long it trains. */
export interface ImageTraining extends EarlyStopping {
  /** Name of its branch. `both`: the objective's first map is that of `local`, its second that of `global`. */
  readonly branch: 'local' | 'global' | 'both';
  readonly plan: ImagePlan;
  readonly levels: LevelFusion;
  /** `loss`: the loss of an image is its score in a branch of its own (`global`; `pooled` where the map has that name),
   * besides the map. Default `map`: no such one. */
  readonly imageScore?: 'map' | 'loss';
  /** Of the image that the network reads. `standardized`: by the channels' means and deviations over the training set. */
  readonly input: 'standardized' | InputTransform;
  readonly epochs: number;
  readonly minutes: number | undefined;
  readonly batchSize: number;
}

/** A new network with its initial weights, as the training loop takes it. The caller disposes the student. */
export function setUpStudent(plan: ImagePlan): StudentTask {
  const { name = 'network', student, objective, optimizer, objectives = {} } = plan;
  const ofGroups = Object.entries(objectives).map(([group, each]) => [group, createObjective(each)] as const);
  return {
    name,
    student: createImageStudent(student),
    objective: createObjective(objective),
    optimizer,
    objectives: Object.fromEntries(ofGroups),
  };
}

/** URL of this module, which another thread imports to call {@link setUpStudent}. */
export const SET_UP_MODULE: string = import.meta.url;
