import type { FeatureLevel, InputTransform } from '@dskd/core';
import type { StateDict } from '@dskd/weights';
import { levelsOf, selectLevels, type BackboneName } from './registry.js';
import { backboneWeightShapes, withOwnNames } from './weights.js';
import { backboneCost, type BackboneCost } from './sizes-and-cost.js';

export interface BackboneInfo {
  readonly name: BackboneName;
  /** Default levels, from shallow to deep. */
  readonly levels: readonly FeatureLevel[];
  /** All levels that can be selected with the option `levels` of {@link createBackbone}. */
  readonly availableLevels: readonly FeatureLevel[];
  /** What the public weights of this name expect as input. {@link createBackbone} accepts another one. */
  readonly inputTransform: InputTransform;
  /**
   * The cost for images of `inputSize`, `[height, width]` in pixels, from the plan alone. Stages after the deepest level do
   * not count.
   * @param options.levels names of the levels. Default: {@link BackboneInfo.levels}.
   * @throws {DskdError} `invalid-argument` for an unknown level, `shape-mismatch` for too small an input.
   */
  cost(inputSize: readonly [number, number], options?: { readonly levels?: readonly string[] }): BackboneCost;
  /**
   * Shapes of the tensors that `createBackbone` reads, by their names in torch.
   * @param options.levels names of the levels. Default: {@link BackboneInfo.levels}.
   * @throws {DskdError} `invalid-argument` for an unknown level.
   */
  weightShapes(options?: { readonly levels?: readonly string[] }): Map<string, number[]>;
  /** The tensors of a file by the names of {@link weightShapes}, where the file has other public names of this network. */
  withOwnNames(weights: StateDict): StateDict;
}

/**
 * Returns what is known about a backbone without its weights.
 * @param name any text, such as an option that a user gave.
 * @throws {DskdError} `invalid-argument` listing the backbones that exist, if `name` is none of them.
 */
export function backboneInfo(name: string): BackboneInfo {
  const { plan, levels } = selectLevels(name);
  return {
    name: name as BackboneName,
    levels,
    availableLevels: levelsOf(plan.stages),
    inputTransform: plan.inputTransform,
    withOwnNames: (weights) => withOwnNames(plan, weights),
    weightShapes: (options) => backboneWeightShapes(name, options),
    cost: (inputSize, options) => backboneCost(name, inputSize, options),
  };
}
