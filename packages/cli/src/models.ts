import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';
import { selectBackend, type SelectedBackend } from '@dskd/core/backends';
import { loadDetector, readDescription, type Detector, type DetectorDescription } from '@dskd/detector';
import { backboneInfo, loadTeacher, type Teacher, type TeacherOptions } from '@dskd/models';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { WEIGHTS } from '@dskd/weights';
import { TEACHER_TINY } from './options/shared.js';

/** Makes `name` (for `auto` the fastest available) the TensorFlow.js backend of this process, with its gradients. */
export async function startBackend(name: string): Promise<SelectedBackend> {
  // Only here: `predict` computes no gradients, and starts sooner without.
  await import('./tensorflow.js');
  const selected = await selectBackend(name);
  if (selected.name === 'wasm') registerWasmGradients();
  return selected;
}

interface LoadModelOptions {
  readonly backend: string;
  /** Weight file of the teacher, if a model does not contain it. */
  readonly weights?: string | undefined;
}

/** Detectors and the teacher loaded for them, if any. `dispose` frees all. */
export interface LoadedModels {
  readonly detectors: readonly Detector[];
  readonly dispose: () => void;
}

/** Starts the backend and loads models. Models with the same teacher share it. */
export async function loadModels(
  paths: readonly string[],
  { backend, weights }: LoadModelOptions,
): Promise<LoadedModels> {
  const files = await Promise.all(paths.map(readModel));
  await startBackend(backend);
  const wanted = readDescription(files[0]!).description.teacher;
  const teacher = wanted ? await loadWantedTeacher(wanted, weights) : undefined;
  try {
    const detectors = await loadDetector(files, teacher ? { teachers: [teacher] } : {});
    return {
      detectors,
      dispose() {
        for (const detector of detectors) detector.dispose();
        teacher?.dispose();
      },
    };
  } catch (error) {
    teacher?.dispose();
    throw error;
  }
}

/** Loads the teacher of a model if the model's file does not contain it. */
async function loadWantedTeacher(
  { name, embedded, sha256, levels }: NonNullable<DetectorDescription['teacher']>,
  weights: string | undefined,
): Promise<Teacher | undefined> {
  const asTrained = { levels: levels.map((level) => level.name) };
  if (weights !== undefined) return loadTeacherFile(name, weights, asTrained);
  return !embedded && isDefaultTeacher(sha256) ? loadDefaultTeacher(asTrained) : undefined;
}

/** Starts the backend and loads one model. */
export async function loadModel(
  path: string,
  options: LoadModelOptions,
): Promise<{ readonly detector: Detector; readonly dispose: () => void }> {
  const { detectors, dispose } = await loadModels([path], options);
  return { detector: detectors[0]!, dispose };
}

/** @throws {DskdError} `file-not-found` */
async function read(path: string, hint: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read ${path}.`, { hint, cause });
  });
}

/** @throws {DskdError} `file-not-found` */
export function readModel(path: string): Promise<Uint8Array> {
  return read(path, 'Give a file that dskd train wrote.');
}

/**
 * Loads a teacher from a weight file. Needs a backend; the caller disposes it.
 * @throws {DskdError} `file-not-found`, `invalid-argument` (no such backbone), and as `loadTeacher`.
 */
export async function loadTeacherFile(
  backbone: string,
  path: string,
  options: TeacherOptions = {},
): Promise<Teacher> {
  const { name } = backboneInfo(backbone);
  return loadTeacher(name, await read(path, 'Check the path and its permissions.'), options);
}

/** The teacher that a user chose. */
export interface TeacherChoice {
  /** {@link TEACHER_TINY}, or a backbone. */
  readonly teacher: string;
  /** Weight file of the teacher. Default: the embedded one of {@link TEACHER_TINY}. */
  readonly weights?: string | undefined;
  /** Names of its levels, shallow to deep. Default: those of the backbone. */
  readonly levels?: readonly string[] | undefined;
}

/** Loads the default teacher, `@dskd/teacher-tiny`. Needs a backend; the caller disposes it. */
export async function loadDefaultTeacher(options: TeacherOptions = {}): Promise<Teacher> {
  const teacher = teacherTiny();
  return loadTeacher(teacher.name, await teacher.load(), options);
}

/** Whether `sha256` is the hash of the embedded teacher. */
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
 * Checks the choice of a teacher, before anything is read.
 * @returns a function that loads the teacher. It needs a backend; the caller disposes the teacher.
 * @throws {DskdError} `invalid-argument`: no such backbone, or no weights for it.
 */
export function teacherOf({ teacher, weights, levels }: TeacherChoice): () => Promise<Teacher> {
  const options = levels ? { levels } : {};
  if (weights !== undefined) {
    backboneInfo(teacher);
    return () => loadTeacherFile(teacher, weights, options);
  }
  if (teacher !== TEACHER_TINY) throw missingWeights(backboneInfo(teacher).name);
  return () => loadDefaultTeacher(options);
}

/** Whether a file is named as those that `dskd export` writes. */
export function isExported(file: string): boolean {
  return file.toLowerCase().endsWith('.onnx');
}

/**
 * The weight file of the teacher of a model that does not contain it: the embedded one, if it was trained with that.
 * @param bytes of the model file, whose name is `file`.
 */
export async function embeddedTeacherFor(bytes: Uint8Array, file: string): Promise<Uint8Array | undefined> {
  if (isExported(file)) return undefined;
  const { teacher } = readDescription(bytes).description;
  return teacher && !teacher.embedded && isDefaultTeacher(teacher.sha256) ? teacherTiny().load() : undefined;
}
