import { DskdError } from '@dskd/base';
import type { ArrayState, StudentState, TrainingState } from '@dskd/training';
import {
  readSafetensors,
  toFloat32,
  writeSafetensors,
  type StateDict,
  type StateDictEntry,
} from '@dskd/weights';

const METADATA_KEY = 'dskd-checkpoint';
const FORMAT_VERSION = 1;

/** The four groups of arrays in a student's state, by the prefix they are stored under. */
function groupsOf(state: StudentState): Record<string, ReadonlyMap<string, ArrayState>> {
  const { parameters, buffers, optimiser } = state;
  return {
    parameters,
    buffers,
    'first-moments': optimiser.firstMoments,
    'second-moments': optimiser.secondMoments,
  };
}

/** A training run between two steps as the bytes of one safetensors file. */
export function writeCheckpoint(state: TrainingState): Uint8Array {
  const tensors: StateDict = new Map();
  for (const student of state.students) {
    for (const [group, arrays] of Object.entries(groupsOf(student))) {
      for (const [name, { shape, data }] of arrays) {
        tensors.set(`${student.name}/${group}/${name}`, { dtype: 'F32', shape, data });
      }
    }
  }
  const { students, ...rest } = state;
  const optimiserSteps = Object.fromEntries(students.map(({ name, optimiser }) => [name, optimiser.step]));
  const description = {
    format: FORMAT_VERSION,
    students: students.map(({ name }) => name),
    optimiserSteps,
    ...rest,
  };
  return writeSafetensors(tensors, { [METADATA_KEY]: JSON.stringify(description) });
}

/**
 * Reads what {@link writeCheckpoint} wrote.
 * @throws {DskdError} `weights-invalid`, `artefact-invalid`, `artefact-version`.
 */
export function readCheckpoint(bytes: Uint8Array): TrainingState {
  const { tensors, metadata } = readSafetensors(bytes);
  const text = metadata[METADATA_KEY];
  if (text === undefined) {
    throw new DskdError('artefact-invalid', 'The file is safetensors, but not a dskd checkpoint.', {
      hint: 'Give a file that `dskd train --checkpoint FILE` wrote.',
    });
  }
  const { format, students, optimiserSteps, ...rest } = JSON.parse(text) as Omit<
    TrainingState,
    'students'
  > & {
    format: number;
    students: string[];
    optimiserSteps: Record<string, number>;
  };
  if (format !== FORMAT_VERSION) {
    throw new DskdError(
      'artefact-version',
      `The checkpoint has format ${format}; this version reads ${FORMAT_VERSION}.`,
    );
  }
  const arraysOf = (prefix: string): Map<string, ArrayState> =>
    new Map(
      [...tensors]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, entry]) => [name.slice(prefix.length), arrayOf(entry)]),
    );
  return {
    ...rest,
    students: students.map((name) => ({
      name,
      parameters: arraysOf(`${name}/parameters/`),
      buffers: arraysOf(`${name}/buffers/`),
      optimiser: {
        step: optimiserSteps[name]!,
        firstMoments: arraysOf(`${name}/first-moments/`),
        secondMoments: arraysOf(`${name}/second-moments/`),
      },
    })),
  };
}

function arrayOf(entry: StateDictEntry): ArrayState {
  return { shape: entry.shape, data: toFloat32(entry) };
}
