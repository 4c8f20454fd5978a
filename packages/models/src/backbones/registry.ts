import { DskdError } from '@dskd/base';
import type { FeatureLevel } from '@dskd/core';
import type { Plan, Stage } from './plan.js';
import { pdnPlan, PDN_NETWORKS } from './pdn.js';
import { resnetPlan, RESNETS, TINY_NETWORKS, tinyPlan } from './resnet.js';
import { SQUEEZENETS, squeezenetPlan } from './squeezenet.js';

const RESNET_NAMES = Object.keys(RESNETS) as (keyof typeof RESNETS)[];
const SQUEEZENET_NAMES = Object.keys(SQUEEZENETS) as (keyof typeof SQUEEZENETS)[];
const PDN_NAMES = Object.keys(PDN_NETWORKS) as (keyof typeof PDN_NETWORKS)[];
const TINY_NAMES = Object.keys(TINY_NETWORKS) as (keyof typeof TINY_NETWORKS)[];

export type BackboneName =
  | keyof typeof RESNETS
  | keyof typeof SQUEEZENETS
  | keyof typeof PDN_NETWORKS
  | keyof typeof TINY_NETWORKS;

/** Names of all backbones that {@link createBackbone} can make. */
export const BACKBONES: readonly BackboneName[] = [
  ...RESNET_NAMES,
  ...SQUEEZENET_NAMES,
  ...PDN_NAMES,
  ...TINY_NAMES,
];

const PLANS: ReadonlyMap<string, Plan> = new Map<string, Plan>([
  ...RESNET_NAMES.map((name) => [name, resnetPlan(RESNETS[name])] as const),
  ...SQUEEZENET_NAMES.map((name) => [name, squeezenetPlan(SQUEEZENETS[name])] as const),
  ...PDN_NAMES.map((name) => [name, pdnPlan(PDN_NETWORKS[name])] as const),
  ...TINY_NAMES.map((name) => [name, tinyPlan(TINY_NETWORKS[name])] as const),
]);

function planOf(name: string): Plan {
  const plan = PLANS.get(name);
  if (!plan) {
    throw new DskdError('invalid-argument', `Got backbone '${name}', wanted one of ${BACKBONES.join(', ')}.`);
  }
  return plan;
}

/** The stages that can be levels. */
export function levelsOf(stages: readonly Stage[]): FeatureLevel[] {
  return stages.flatMap(({ name, level }) => (level ? [{ name, ...level }] : []));
}

/** A plan without the stages after the deepest selected level. */
export interface Selection {
  readonly plan: Plan;
  readonly stages: readonly Stage[];
  /** From shallow to deep. */
  readonly levels: readonly FeatureLevel[];
}

/** @throws {DskdError} `invalid-argument` for an unknown network, an unknown or repeated level, or none. */
export function selectLevels(name: string, wanted?: readonly string[]): Selection {
  const plan = planOf(name);
  const names = wanted ?? plan.defaultLevels;
  const available = levelsOf(plan.stages);
  const unknown = names.filter((level) => !available.some((candidate) => candidate.name === level));
  if (names.length === 0 || unknown.length > 0 || new Set(names).size !== names.length) {
    throw new DskdError(
      'invalid-argument',
      `Got levels [${names.join(', ')}] of ${name}, wanted one or more of ` +
        `${available.map((level) => level.name).join(', ')}, each at most once.`,
    );
  }
  const levels = available.filter((level) => names.includes(level.name));
  const deepest = plan.stages.findIndex((stage) => stage.name === levels.at(-1)?.name);
  return { plan, stages: plan.stages.slice(0, deepest + 1), levels };
}
