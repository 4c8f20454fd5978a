import type { Objective, Student } from '@dskd/core';
import { createObjective } from '@dskd/losses';
import { createStudent, type StudentOptions, type TrainableStudent } from '@dskd/models';
import type { AdamOptions, StudentTask } from '@dskd/training';
import type { StateDict } from '@dskd/weights';

/** A JSON description of an objective, as `createObjective` takes it. */
export interface ObjectiveDescription {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** All that is needed to build and train one student, here or in a worker. Structured-cloneable. */
export interface BranchPlan {
  readonly name: string;
  readonly student: StudentOptions;
  readonly objective: ObjectiveDescription;
  readonly optimizer: AdamOptions;
  /** Replaces some of the random initial weights; names and layouts of the student's state dict. */
  readonly initialState?: StateDict;
}

/** A student that can be scored: its network and the objective whose map it is scored by. */
export interface BranchModel {
  readonly name: string;
  readonly student: Student;
  readonly objective: Objective;
}

/** A fresh student with its initial weights, as the training loop takes it. */
export function studentTask(plan: BranchPlan): StudentTask & { readonly student: TrainableStudent } {
  const student = createStudent(plan.student);
  try {
    if (plan.initialState) student.loadStateDict(plan.initialState, { partial: true });
    return {
      name: plan.name,
      student,
      objective: createObjective(plan.objective),
      optimizer: plan.optimizer,
    };
  } catch (error) {
    student.dispose();
    throw error;
  }
}
