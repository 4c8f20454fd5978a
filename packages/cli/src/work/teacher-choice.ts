import { DskdError } from '@dskd/base';
import { backboneName, loadTeacher, type Teacher, type TeacherOptions } from '@dskd/detector';
import { loadTeacherFile } from '@dskd/detector/node';
import { teacherTiny } from '@dskd/teacher-tiny';
import { WEIGHTS } from '@dskd/weights';
import { TEACHER_TINY } from '../options/shared.js';

/** Which teacher a user means. */
export interface TeacherChoice {
  /** {@link TEACHER_TINY}, or a backbone. */
  readonly teacher: string;
  /** The backbone's weight file; the embedded teacher has its own. */
  readonly weights?: string | undefined;
  /** Its levels, shallow to deep. Default: the backbone's own. */
  readonly levels?: readonly string[] | undefined;
}

/** The teacher that is taken where none is named: `@dskd/teacher-tiny`. Needs a backend; the caller disposes it. */
export async function loadDefaultTeacher(options: TeacherOptions = {}): Promise<Teacher> {
  const teacher = teacherTiny();
  return loadTeacher(teacher.name, await teacher.load(), options);
}

/** Whether `sha256` is that of the teacher that needs no file. */
export function isDefaultTeacher(sha256: string): boolean {
  return sha256 === teacherTiny().sha256;
}

function missingWeights(backbone: string): DskdError {
  const { name } = WEIGHTS.find((entry) => entry.backbone === backbone) ?? {};
  const get = name === undefined ? '' : ` (dskd weights pull ${name} gets them)`;
  return new DskdError(
    'invalid-argument',
    `--teacher ${backbone} needs its weights: --weights FILE is missing.`,
    {
      hint: `Give their file${get}, or leave --teacher out: the embedded ${TEACHER_TINY} needs none.`,
    },
  );
}

/**
 * What loads the teacher of a choice; whether the choice makes sense is found out here, before anything is read.
 * @returns a function that needs a backend; who calls it disposes the teacher.
 * @throws {DskdError} `invalid-argument`: no such backbone, no weights for it, or weights for the embedded teacher.
 */
export function teacherOf({ teacher, weights, levels }: TeacherChoice): () => Promise<Teacher> {
  const options = levels ? { levels } : {};
  if (teacher !== TEACHER_TINY) {
    const backbone = backboneName(teacher);
    if (weights === undefined) throw missingWeights(backbone);
    return () => loadTeacherFile(backbone, weights, options);
  }
  if (weights !== undefined) {
    throw new DskdError(
      'invalid-argument',
      `Got --weights ${weights} for ${TEACHER_TINY}, which has its own.`,
      {
        hint: 'Name the backbone of the weights, e.g. --teacher squeezenet1_1 (teacher-tiny for what dskd distill-teacher wrote).',
      },
    );
  }
  return () => loadDefaultTeacher(options);
}
