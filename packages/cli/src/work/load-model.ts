import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';
import { backboneName, loadDetectors, readArtifact, type Detector, type Teacher } from '@dskd/detector';
import { loadTeacherFile } from '@dskd/detector/node';
import { startBackend } from '../backend.js';
import { isDefaultTeacher, loadDefaultTeacher } from './teacher-choice.js';

interface LoadModelOptions {
  readonly backend: string;
  /** The teacher's weights, where a model does not hold it. */
  readonly weights?: string | undefined;
}

/** Detectors and the teacher file they were given, if any; `dispose` ends all. */
export interface LoadedModels {
  readonly detectors: readonly Detector[];
  readonly dispose: () => void;
}

/** Starts the backend and loads models; those with one teacher share it. */
export async function loadModels(
  paths: readonly string[],
  { backend, weights }: LoadModelOptions,
): Promise<LoadedModels> {
  const files = await Promise.all(paths.map(readModel));
  await startBackend(backend);
  const { name, embedded, sha256, levels } = readArtifact(files[0]!).description.teacher;
  const asTrained = { levels: levels.map((level) => level.name) };
  let teacher: Teacher | undefined;
  if (weights !== undefined) teacher = await loadTeacherFile(backboneName(name), weights, asTrained);
  else if (!embedded && isDefaultTeacher(sha256)) teacher = await loadDefaultTeacher(asTrained);
  try {
    const detectors = await loadDetectors(files, teacher ? { teachers: [teacher] } : {});
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

/** {@link loadModels} of one. */
export async function loadModel(
  path: string,
  options: LoadModelOptions,
): Promise<{ readonly detector: Detector; readonly dispose: () => void }> {
  const { detectors, dispose } = await loadModels([path], options);
  return { detector: detectors[0]!, dispose };
}

/** @throws {DskdError} `file-not-found` */
export async function readModel(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read ${path}.`, {
      hint: 'Give a file that dskd train wrote.',
      cause,
    });
  });
}
