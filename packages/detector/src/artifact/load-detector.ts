import { describeValue, DskdError } from '@dskd/base';
import { createMethod, type AnomalyModel, type BranchInfo } from '@dskd/methods';
import type { Teacher } from '@dskd/models';
import { tensorFiles } from '@dskd/weights';
import { Detector } from '../inference/detector.js';
import { readArtifact, type Artifact } from './artifact.js';
import type { DetectorDescription } from './description.js';
import { assertTeacher, shareTeachers } from './teachers.js';

export interface LoadOptions {
  /** The teacher of an artifact that names it only. The caller disposes it. */
  readonly teacher?: Teacher;
}

export interface LoadAllOptions {
  /** Used for the detectors that were trained with them. The caller disposes them. */
  readonly teachers?: readonly Teacher[];
}

/** Refuses, and disposes, a model whose branches are not those that were calibrated. */
function assertBranches(model: AnomalyModel, { branches }: DetectorDescription): void {
  const words = (list: readonly BranchInfo[]): string =>
    list.map(({ name, map }) => (map ? name : `${name} (no map)`)).join(', ');
  const [got, wanted] = [words(branches), words(model.branches)];
  if (got === wanted) return;
  model.dispose();
  throw new DskdError(
    'artifact-invalid',
    `The file is calibrated for the branches ${got}; its model has ${wanted}.`,
    { details: { got, wanted } },
  );
}

async function assemble(
  { description, tensors }: Artifact,
  teacher: Teacher | undefined,
  ownsTeacher: boolean,
): Promise<Detector> {
  try {
    const { method: name, config, inputSize, tiles } = description;
    const method = await createMethod(name, tiles);
    const saved = { config, tensors: tensorFiles.tensorsUnder(tensors, name) };
    const model = await method.restore(saved, { inputSize, teacher });
    assertBranches(model, description);
    const ignored = (tensors.get('ignored')?.data ?? null) as Uint8Array | null;
    const { thumbnails: size } = description;
    const thumbnails = size ? { ...size, data: tensors.get('thumbnails')!.data as Uint8Array } : null;
    return new Detector({ model, description, teacher, ownsTeacher, ignored, thumbnails });
  } catch (error) {
    if (ownsTeacher) teacher?.dispose();
    throw error;
  }
}

async function assembleAll(artifacts: readonly Artifact[], given: readonly Teacher[]): Promise<Detector[]> {
  const teacherInFiles = shareTeachers(artifacts);
  const detectors: Detector[] = [];
  try {
    for (const artifact of artifacts) {
      const wanted = artifact.description.teacher;
      const own = wanted ? given.find(({ sha256 }) => sha256 === wanted.sha256) : undefined;
      if (own && wanted) assertTeacher(own, wanted);
      const teacher = own ?? (wanted ? teacherInFiles(wanted) : undefined);
      detectors.push(await assemble(artifact, teacher, own === undefined));
    }
    return detectors;
  } catch (error) {
    for (const detector of detectors) detector.dispose();
    throw error;
  }
}

async function loadOne(source: Uint8Array | URL, { teacher }: LoadOptions = {}): Promise<Detector> {
  const artifact = readArtifact(await bytesOf(source));
  const wanted = artifact.description.teacher;
  if (teacher && wanted) assertTeacher(teacher, wanted);
  const [detector] = await assembleAll([artifact], teacher ? [teacher] : []);
  return detector!;
}

/** The overload of {@link loadDetector} for several. */
export async function loadDetectors(
  sources: readonly (Uint8Array | URL)[],
  { teachers = [] }: LoadAllOptions = {},
): Promise<Detector[]> {
  const artifacts: Artifact[] = [];
  for (const source of sources) artifacts.push(readArtifact(await bytesOf(source)));
  return assembleAll(artifacts, teachers);
}

/**
 * Reads a detector from the bytes of an artifact, or from a URL (fetched).
 * @returns a detector whose scores are bit for bit those of the one that was saved (as `float32`), on the same
 * backend.
 * @throws {DskdError} what {@link readArtifact} throws; `teacher-mismatch` (no teacher, or another one),
 * `input-size-mismatch`, `weights-mismatch`, `invalid-config`; `invalid-argument` for a method, backbone or
 * objective that is not known here.
 */
export function loadDetector(source: Uint8Array | URL, options?: LoadOptions): Promise<Detector>;
/**
 * Reads several detectors. Those with the same teacher (by SHA-256 and levels) share one in memory, also where
 * only one of the files holds it. Each is disposed on its own; a teacher out of a file goes with the last
 * detector that uses it.
 * @throws {DskdError} as {@link loadDetector}; `teacher-mismatch` also where two files hold different tensors
 * under one hash. Then nothing stays loaded.
 */
export function loadDetector(
  sources: readonly (Uint8Array | URL)[],
  options?: LoadAllOptions,
): Promise<Detector[]>;
export function loadDetector(
  source: Uint8Array | URL | readonly (Uint8Array | URL)[],
  options: LoadOptions & LoadAllOptions = {},
): Promise<Detector | Detector[]> {
  return Array.isArray(source)
    ? loadDetectors(source as readonly (Uint8Array | URL)[], options)
    : loadOne(source as Uint8Array | URL, options);
}

/** @throws {DskdError} `invalid-argument` (neither bytes nor a URL), `file-not-found` */
async function bytesOf(source: Uint8Array | URL): Promise<Uint8Array> {
  // Not instanceof: bytes may come from another realm.
  if (Object.prototype.toString.call(source) === '[object Uint8Array]') return source as Uint8Array;
  if (!(source instanceof URL)) {
    throw new DskdError(
      'invalid-argument',
      `Got ${describeValue(source)} as a detector; wanted the bytes of its file, or a URL.`,
      {
        hint: 'loadDetector(await readFile(path)) reads a file; loadDetector of the package dskd takes a path.',
      },
    );
  }
  const response = await fetch(source);
  if (!response.ok) {
    throw new DskdError('file-not-found', `Fetching ${source.href} gave status ${response.status}.`);
  }
  return new Uint8Array(await response.arrayBuffer());
}
