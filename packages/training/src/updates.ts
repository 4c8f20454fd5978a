import { DskdError } from '@dskd/base';
import type { Objective } from '@dskd/core';
import type { Variable } from '@tensorflow/tfjs-core';
import { createOptimizer } from './create-optimizer.js';
import type { Optimizer } from './optimizer.js';
import { groupsAt, membersOf, updatesOf } from './parameter-groups.js';
import type { StudentTask } from './student-runner.js';
import type { OptimizerState } from './training-state.js';

/** Parameters that are updated together. */
export interface Update {
  /** Undefined where the parameters are in no groups: these are all of them. */
  readonly group: string | undefined;
  readonly parameters: ReadonlyMap<string, Variable>;
  readonly objective: Objective;
  readonly optimizer: Optimizer;
}

/** What the steps of one student update, and what is remembered of earlier updates. */
export interface Updates {
  /** The updates of a step of the run, in order. */
  at(step: number): readonly Update[];
  /** @param steps how many steps the run has done. */
  capture(steps: number): Promise<OptimizerState>;
  /** @throws {DskdError} `shape-mismatch` */
  restore(state: OptimizerState): void;
  /** Disposes the optimizers, not the parameters. */
  dispose(): void;
}

/** @throws {DskdError} `invalid-config` */
export function updatesFor(task: StudentTask): Updates {
  const { student, objective, objectives = {}, optimizer: options } = task;
  if (options.kind !== 'groups') {
    const optimizer = createOptimizer(student.parameters, options);
    const all = [{ group: undefined, parameters: student.parameters, objective, optimizer }];
    return {
      at: () => all,
      capture: () => optimizer.capture(),
      restore: (state) => optimizer.restore(state),
      dispose: () => optimizer.dispose(),
    };
  }

  const { optimizers, phases } = options;
  const members = membersOf(options, [...student.parameters.keys()]);
  const groups = new Map<string, Update & { readonly group: string }>();
  try {
    for (const [group, names] of members) {
      const parameters = new Map(names.map((name) => [name, student.parameters.get(name)!]));
      const optimizer = createOptimizer(parameters, optimizers[group]!);
      groups.set(group, { group, parameters, objective: objectives[group] ?? objective, optimizer });
    }
  } catch (error) {
    for (const { optimizer } of groups.values()) optimizer.dispose();
    throw error;
  }
  return {
    at: (step) => groupsAt(phases, step).map((group) => groups.get(group)!),
    async capture(steps) {
      const states: OptimizerState[] = [];
      for (const { optimizer } of groups.values()) states.push(await optimizer.capture());
      return {
        step: steps,
        firstMoments: new Map(states.flatMap(({ firstMoments }) => [...firstMoments])),
        secondMoments: new Map(states.flatMap(({ secondMoments }) => [...secondMoments])),
      };
    },
    restore(state) {
      const of = (arrays: OptimizerState['firstMoments'], group: string): typeof arrays =>
        new Map([...arrays].filter(([name]) => name.startsWith(`${group}.`)));
      const known = [...groups.keys()];
      const foreign = [...state.firstMoments.keys(), ...state.secondMoments.keys()].filter(
        (name) => !known.some((group) => name.startsWith(`${group}.`)),
      );
      if (foreign.length > 0) {
        throw new DskdError('shape-mismatch', `The state has moments of no group: ${foreign.join(', ')}.`, {
          details: { foreign },
        });
      }
      // How often each group was updated follows from the phases: a state says how many steps the run has done.
      for (const { group, optimizer } of groups.values()) {
        optimizer.restore({
          step: updatesOf(group, phases, state.step),
          firstMoments: of(state.firstMoments, group),
          secondMoments: of(state.secondMoments, group),
        });
      }
    },
    dispose() {
      for (const { optimizer } of groups.values()) optimizer.dispose();
    },
  };
}
