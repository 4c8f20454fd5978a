import { DskdError } from '@dskd/base';
import type { OptimizerOptions } from './create-optimizer.js';

/**
 * Parameters in groups with an optimizer each, of which a step updates some: networks that are trained against each other,
 * or one after the other. JSON.
 */
export interface ParameterGroups {
  readonly kind: 'groups';
  /** By the name of the group, which has the parameters whose names begin with it and a dot. */
  readonly optimizers: Readonly<Record<string, OptimizerOptions>>;
  /** One after the other. */
  readonly phases: readonly GroupPhase[];
}

/** A part of a training in which the same groups are updated over and over. */
interface GroupPhase {
  /** How many steps it has. Left out of the last phase, and of no other. */
  readonly steps?: number;
  /** The groups that a step updates, one update after the other, step by step; then from the start again. */
  readonly cycle: readonly (readonly string[])[];
}

/** The groups that a step of the run, counted from 0, updates. */
export function groupsAt(phases: readonly GroupPhase[], step: number): readonly string[] {
  let first = 0;
  for (const { steps = Infinity, cycle } of phases) {
    if (step < first + steps) return cycle[(step - first) % cycle.length]!;
    first += steps;
  }
  return [];
}

/** How often a group is updated in the first `steps` steps of a run. */
export function updatesOf(group: string, phases: readonly GroupPhase[], steps: number): number {
  let left = steps;
  let updates = 0;
  for (const { steps: length = Infinity, cycle } of phases) {
    const taken = Math.min(left, length);
    const of = (entries: typeof cycle): number =>
      entries.reduce((sum, names) => sum + names.filter((name) => name === group).length, 0);
    updates += Math.floor(taken / cycle.length) * of(cycle) + of(cycle.slice(0, taken % cycle.length));
    left -= taken;
  }
  return updates;
}

/**
 * The names of each group's parameters.
 * @throws {DskdError} `invalid-config` for a parameter in no group or in two, a group without parameters, or phases that
 * do not say what each step updates.
 */
export function membersOf(
  { optimizers, phases }: ParameterGroups,
  parameters: readonly string[],
): Map<string, string[]> {
  const groups = Object.keys(optimizers);
  const members = new Map(
    groups.map((group) => [group, parameters.filter((name) => name.startsWith(`${group}.`))]),
  );
  const problems: string[] = [];
  for (const name of parameters) {
    const found = groups.filter((group) => name.startsWith(`${group}.`));
    if (found.length !== 1) problems.push(`the parameter '${name}' is in ${found.length} groups, wanted one`);
  }
  for (const [group, names] of members) {
    if (names.length === 0) problems.push(`the group '${group}' has no parameters`);
  }
  if (phases.length === 0) problems.push('there are no phases');
  for (const [index, { steps, cycle }] of phases.entries()) {
    const isLast = index === phases.length - 1;
    const isLength = steps !== undefined && Number.isInteger(steps) && steps > 0;
    if (isLast ? steps !== undefined : !isLength) {
      const wanted = isLast ? 'none in the last phase' : 'a positive integer';
      problems.push(`phase ${index + 1} has ${steps} steps, wanted ${wanted}`);
    }
    const named = cycle.flat();
    if (cycle.length === 0 || cycle.some((names) => names.length === 0)) {
      problems.push(`phase ${index + 1} has a step that updates nothing`);
    }
    for (const name of new Set(named)) {
      if (!members.has(name)) problems.push(`phase ${index + 1} updates '${name}', which is no group`);
    }
  }
  if (problems.length > 0) {
    throw new DskdError('invalid-config', `Cannot train in groups: ${problems.join('; ')}.`, {
      details: { problems },
    });
  }
  return members;
}
