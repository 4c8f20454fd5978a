import { DskdError, isDskdError } from '@dskd/base';
import { createObjective } from '@dskd/losses';
import { createStudent, summarizeStudent, type StudentOptions, type TrainableStudent } from '@dskd/models';
import type { StateDict } from '@dskd/weights';
import { readArtifact, tensorsUnder, type Artifact } from './artifact.js';
import type { BranchDescription, DetectorDescription } from './description.js';
import { Detector, type LoadedBranch } from './detector.js';
import { assertTeacher, shareTeachers } from './shared-teachers.js';
import type { Teacher } from './teacher.js';

export interface LoadOptions {
  /** The teacher of an artifact that names it only. The caller disposes it. */
  readonly teacher?: Teacher;
}

export interface LoadAllOptions {
  /** Used for the detectors that were trained with them. The caller disposes them. */
  readonly teachers?: readonly Teacher[];
}

/** Refuses a student made for other images than the detector says it takes. */
function assertInputSize({ name, student }: BranchDescription, { inputSize }: DetectorDescription): void {
  if (student.inputSize.join() === inputSize.join()) return;
  throw new DskdError(
    'input-size-mismatch',
    `The student '${name}' is made for images of ${student.inputSize.join('x')} pixels, the detector for ${inputSize.join('x')}.`,
    {
      hint: 'A student belongs to one input size: train another for another size.',
      details: { branch: name, got: student.inputSize, wanted: inputSize },
    },
  );
}

/** Before anything is allocated: a description can ask for more memory than there is. */
function assertFilled({ name, student }: BranchDescription, state: StateDict): void {
  const { parameters, buffers } = summarizeStudent(student as StudentOptions);
  const wanted = parameters + buffers;
  const got = [...state.values()].reduce((sum, { data }) => sum + data.length, 0);
  if (got >= wanted) return;
  throw new DskdError(
    'weights-mismatch',
    `The student '${name}' has ${wanted} weights by its description; the file holds ${got}.`,
    { details: { branch: name, got, wanted } },
  );
}

/** Refuses a student that does not predict what this teacher gives for the detector's images. */
function assertLevels(
  { config }: TrainableStudent,
  { name }: BranchDescription,
  { inputSize }: DetectorDescription,
  { extractor }: Teacher,
): void {
  const wanted = extractor.outputShapes(inputSize);
  const got = config.levels.map(({ channels }, level) => [...config.mapSizes[level]!, channels]);
  if (JSON.stringify(got) === JSON.stringify(wanted)) return;
  const written = (shapes: readonly (readonly number[])[]): string =>
    shapes.map((shape) => shape.join('x')).join(', ');
  throw new DskdError(
    'input-size-mismatch',
    `The student '${name}' is made for features ${written(got)}; of images of ${inputSize.join('x')} pixels ` +
      `its teacher ${extractor.name} gives ${written(wanted)}.`,
    { details: { branch: name, got, wanted } },
  );
}

function loadBranch(
  branch: BranchDescription,
  { description, tensors }: Artifact,
  teacher: Teacher,
): LoadedBranch {
  const { name, student: options, objective } = branch;
  assertInputSize(branch, description);
  const state = tensorsUnder(tensors, `students.${name}`);
  try {
    assertFilled(branch, state);
    const made = createObjective(objective);
    const student = createStudent(options as StudentOptions, { blank: true });
    try {
      assertLevels(student, branch, description, teacher);
      student.loadStateDict(state);
    } catch (error) {
      student.dispose();
      throw error;
    }
    return { name, student, objective: made, state };
  } catch (error) {
    if (isDskdError(error)) throw error;
    throw new DskdError('artifact-invalid', `The student '${name}' cannot be built as it is described.`, {
      cause: error,
    });
  }
}

function assemble(artifact: Artifact, teacher: Teacher, ownsTeacher: boolean): Detector {
  const branches: LoadedBranch[] = [];
  try {
    for (const branch of artifact.description.branches) branches.push(loadBranch(branch, artifact, teacher));
    const { description, tensors } = artifact;
    const ignored = (tensors.get('ignored')?.data ?? null) as Uint8Array | null;
    return new Detector(teacher, ownsTeacher, branches, description, ignored);
  } catch (error) {
    for (const { student } of branches) student.dispose();
    if (ownsTeacher) teacher.dispose();
    throw error;
  }
}

function assembleAll(artifacts: readonly Artifact[], given: readonly Teacher[]): Detector[] {
  const teacherInFiles = shareTeachers(artifacts);
  const detectors: Detector[] = [];
  try {
    for (const artifact of artifacts) {
      const wanted = artifact.description.teacher;
      const own = given.find(({ sha256 }) => sha256 === wanted.sha256);
      if (own) assertTeacher(own, wanted);
      detectors.push(assemble(artifact, own ?? teacherInFiles(wanted), own === undefined));
    }
    return detectors;
  } catch (error) {
    for (const detector of detectors) detector.dispose();
    throw error;
  }
}

/**
 * Reads a detector from the bytes of an artifact, or from a URL (fetched).
 * @returns a detector whose scores are bit for bit those of the one that was saved (as `float32`), on the same
 * backend.
 * @throws {DskdError} what {@link readArtifact} throws; `teacher-mismatch` (no teacher, or another one),
 * `input-size-mismatch`, `weights-mismatch`, `invalid-config`; `invalid-argument` for a backbone or objective
 * this version does not know.
 */
export async function loadDetector(
  source: Uint8Array | URL,
  { teacher }: LoadOptions = {},
): Promise<Detector> {
  const artifact = readArtifact(await bytesOf(source));
  if (teacher) assertTeacher(teacher, artifact.description.teacher);
  const [detector] = assembleAll([artifact], teacher ? [teacher] : []);
  return detector!;
}

/**
 * Reads several detectors. Those with the same teacher (by SHA-256 and levels) share one in memory, also where
 * only one of the files holds it. Each is disposed on its own; a teacher out of a file goes with the last
 * detector that uses it.
 * @throws {DskdError} as {@link loadDetector}; `teacher-mismatch` also where two files hold different tensors
 * under one hash. Then nothing stays loaded.
 */
export async function loadDetectors(
  sources: readonly (Uint8Array | URL)[],
  { teachers = [] }: LoadAllOptions = {},
): Promise<Detector[]> {
  const artifacts: Artifact[] = [];
  for (const source of sources) artifacts.push(readArtifact(await bytesOf(source)));
  return assembleAll(artifacts, teachers);
}

async function bytesOf(source: Uint8Array | URL): Promise<Uint8Array> {
  if (!(source instanceof URL)) return source;
  const response = await fetch(source);
  if (!response.ok) {
    throw new DskdError('file-not-found', `Fetching ${source.href} gave status ${response.status}.`);
  }
  return new Uint8Array(await response.arrayBuffer());
}
