import { DskdError } from '@dskd/base';
import { toFloat32, type StateDict } from '@dskd/weights';
import { selectLevels, type BackboneName } from '../backbones/registry.js';
import { planStudent } from './create-student.js';
import type { StudentOptions } from './student-config.js';

const TEACHER_PREFIX = 'layer4.';
const STUDENT_PREFIX = 'bottleneck.layer4.';

/** Index of the convolution that halves the map in the first block of the teacher's stage 4; undefined if none does. */
function stridingConvolution(teacher: BackboneName): number | undefined {
  const block = selectLevels(teacher, ['layer4']).stages.at(-1)!.blocks[0]!;
  return block.kind === 'residual' ? block.body.findIndex(({ stride }) => stride === 2) : undefined;
}

/** @throws {DskdError} `weights-mismatch` */
function refuse(teacher: string, problems: readonly string[]): never {
  const shown = problems.slice(0, 8).join('; ');
  const more = problems.length > 8 ? `; and ${problems.length - 8} more` : '';
  throw new DskdError(
    'weights-mismatch',
    `Stage 4 of ${teacher} does not fit the global student's: ${shown}${more}.`,
    {
      hint:
        "The student's stage must have the teacher's architecture: preset paper for Wide-ResNet-50-2 and -101-2, the " +
        'same with architecture { innerRatio: 1 / 4 } for ResNet-50 and -101, preset lite for ResNet-18.',
      details: { problems },
    },
  );
}

/**
 * Returns the teacher's stage 4 as initial weights for the OCBE of a global student, which is a stage of the same
 * architecture: convolutions, batch norms and running statistics by the student's names (`bottleneck.layer4.*`). The
 * arrays are copies. Load it with `loadStateDict(state, { partial: true })`.
 * @param weights the teacher's weights with `layer4.*`, torchvision's names, any float type.
 * @throws {DskdError} `invalid-config` for a local student; `weights-mismatch` with all problems if there is no
 * `layer4.*` or its architecture differs.
 */
export function teacherStage4(teacher: BackboneName, weights: StateDict, student: StudentOptions): StateDict {
  const { config, plan } = planStudent(student);
  if (config.branch !== 'global') {
    throw new DskdError('invalid-config', 'Got a local student; only a global one has a stage 4.');
  }
  const given = [...weights.keys()].filter(
    (name) => name.startsWith(TEACHER_PREFIX) && !name.endsWith('.num_batches_tracked'),
  );
  if (given.length === 0) {
    throw new DskdError(
      'weights-mismatch',
      `The weights of ${teacher} contain no layer4.*; wanted its stage 4.`,
      {
        hint: "Use a file of the whole network, for example torchvision's, not one without the layers after layer3.",
      },
    );
  }

  const wanted = new Map(
    plan.slots
      .filter(({ spec }) => spec.name.startsWith(STUDENT_PREFIX))
      .map(({ spec }) => [TEACHER_PREFIX + spec.name.slice(STUDENT_PREFIX.length), spec]),
  );
  const problems: string[] = [];
  const state: StateDict = new Map();
  for (const [name, { name: studentName, torchShape }] of wanted) {
    const entry = weights.get(name);
    if (!entry) problems.push(`'${name}' is missing`);
    else if (entry.shape.join('x') !== torchShape.join('x')) {
      problems.push(`'${name}' is ${entry.shape.join('x')}, wanted ${torchShape.join('x')}`);
    } else {
      const data = new Float32Array(toFloat32(entry));
      state.set(studentName, { dtype: 'F32', shape: [...torchShape], data });
    }
  }
  for (const name of given) if (!wanted.has(name)) problems.push(`'${name}' has no counterpart`);
  const halves = config.architecture.block === 'bottleneck' ? 1 : 0;
  const teacherHalves = stridingConvolution(teacher);
  if (problems.length === 0 && teacherHalves !== halves) {
    problems.push(
      `its first block halves the map in conv${(teacherHalves ?? -1) + 1}, the student's in conv${halves + 1}`,
    );
  }
  if (problems.length > 0) refuse(teacher, problems);
  return state;
}
