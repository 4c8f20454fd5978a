import { DskdError } from '@dskd/base';
import type { FeatureExtractor } from '@dskd/core';
import { tensorFiles, type StateDict } from '@dskd/weights';
import type { Artifact } from './artifact.js';
import type { DetectorDescription } from './description.js';
import { backboneInfo, namedTeacher, type Teacher } from '@dskd/models';

type TeacherDescription = NonNullable<DetectorDescription['teacher']>;

/** What decides the features a teacher gives, besides its weights. */
function workingOf({
  name,
  levels,
  inputTransform,
}: Pick<TeacherDescription | FeatureExtractor, 'name' | 'levels' | 'inputTransform'>): string {
  const { channelOrder, scale, mean, standardDeviation } = inputTransform;
  return JSON.stringify([
    name,
    levels.map((level) => [level.name, level.channels, level.stride]),
    [channelOrder, scale, ...mean, ...standardDeviation],
  ]);
}

/**
 * Refuses a teacher that is not the one a detector was trained with.
 * @throws {DskdError} `teacher-mismatch`
 */
export function assertTeacher({ sha256, extractor }: Teacher, wanted: TeacherDescription): void {
  if (sha256 !== wanted.sha256) {
    throw new DskdError(
      'teacher-mismatch',
      `The detector was trained with teacher ${wanted.name} of SHA-256 ${wanted.sha256}; got ${extractor.name} of ${sha256}.`,
      {
        hint: 'Give the weight file the detector was trained with.',
        details: { wanted: wanted.sha256, got: sha256 },
      },
    );
  }
  const { name, levels, inputTransform } = extractor;
  if (workingOf(extractor) !== workingOf(wanted)) {
    throw new DskdError(
      'teacher-mismatch',
      `The detector's teacher ${wanted.name} takes levels ${namesOf(wanted.levels)}; got ${name} with levels ` +
        `${namesOf(levels)}, or with another input transform.`,
      {
        hint: 'Make the teacher with the levels and the input transform of the training.',
        details: {
          wanted: { levels: wanted.levels, inputTransform: wanted.inputTransform },
          got: { levels, inputTransform },
        },
      },
    );
  }
}

function namesOf(levels: readonly { readonly name: string }[]): string {
  return levels.map(({ name }) => name).join(', ');
}

function sameTensors(a: StateDict, b: StateDict): boolean {
  if (a.size !== b.size) return false;
  for (const [name, one] of a) {
    const other = b.get(name);
    if (other?.dtype !== one.dtype || other.shape.join() !== one.shape.join()) return false;
    const bytes = (data: ArrayBufferView): Uint8Array =>
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const [left, right] = [bytes(one.data), bytes(other.data)];
    if (!left.every((value, index) => value === right[index])) return false;
  }
  return true;
}

/** The teachers' tensors that lie in the files, by hash. @throws {DskdError} `teacher-mismatch` */
function embeddedTensors(artifacts: readonly Artifact[]): Map<string, StateDict> {
  const found = new Map<string, StateDict>();
  for (const { description, tensors } of artifacts) {
    if (!description.teacher?.embedded) continue;
    const { sha256, name } = description.teacher;
    const own = tensorFiles.tensorsUnder(tensors, 'teacher');
    const known = found.get(sha256);
    if (known && !sameTensors(known, own)) {
      throw new DskdError(
        'teacher-mismatch',
        `Two files hold different tensors of teacher ${name} under one SHA-256, ${sha256}.`,
        { hint: 'One of them is damaged or was put together by something else.', details: { sha256 } },
      );
    }
    found.set(sha256, known ?? own);
  }
  return found;
}

interface Shared {
  readonly teacher: Teacher;
  users: number;
}

/** The shared teacher as one of its users holds it; the last to dispose it ends it. */
function hold(shared: Shared): Teacher {
  shared.users++;
  let held = true;
  return {
    ...shared.teacher,
    dispose() {
      if (!held) return;
      held = false;
      shared.users--;
      if (shared.users === 0) shared.teacher.dispose();
    },
  };
}

/**
 * Makes each teacher that lies in the files once, however many of the detectors use it.
 * @returns gives the teacher a description names; its user disposes it.
 */
export function shareTeachers(artifacts: readonly Artifact[]): (wanted: TeacherDescription) => Teacher {
  const embedded = embeddedTensors(artifacts);
  const made = new Map<string, Shared>();
  return (wanted) => {
    const key = `${wanted.sha256} ${workingOf(wanted)}`;
    const known = made.get(key);
    if (known && known.users > 0) return hold(known);
    const { name, sha256, levels, inputTransform } = wanted;
    const weights = embedded.get(sha256);
    if (!weights) {
      throw new DskdError(
        'teacher-mismatch',
        `The file does not hold its teacher ${name} (SHA-256 ${sha256}).`,
        {
          hint: 'Give the teacher: loadDetector(bytes, { teacher }).',
          details: { wanted: sha256 },
        },
      );
    }
    const teacher = namedTeacher(backboneInfo(name).name, weights, sha256, {
      levels: levels.map((level) => level.name),
      inputTransform,
    });
    try {
      assertTeacher(teacher, wanted);
    } catch (error) {
      teacher.dispose();
      throw error;
    }
    const shared = { teacher, users: 0 };
    made.set(key, shared);
    return hold(shared);
  };
}
