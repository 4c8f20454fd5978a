import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';
import { writeFileAtomically } from '@dskd/data/node';
import type { BackboneName } from '@dskd/models';
import type { StudentRunner } from '@dskd/training';
import { workerRunner } from '@dskd/training/node';
import * as tf from '@tensorflow/tfjs-core';
import type { BranchPlan } from './branches.js';
import type { Detector, SaveOptions } from './detector.js';
import { loadDetector, type LoadOptions } from './load-detector.js';
import type { StudentSetUpOptions } from './student-set-up.js';
import { loadTeacher, type Teacher, type TeacherOptions } from './teacher.js';

export { predictFiles, type FilePrediction, type PredictFilesOptions } from './node/predict-files.js';

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new DskdError('file-not-found', `Cannot read ${path}.`, {
      cause,
      hint: 'Check the path and its permissions.',
    });
  }
}

/** {@link loadDetector} from a file. */
export async function loadDetectorFile(path: string, options: LoadOptions = {}): Promise<Detector> {
  return loadDetector(await read(path), options);
}

/** Writes the artifact to a temporary file beside `path`, then renames it. */
export async function saveDetectorFile(
  detector: Detector,
  path: string,
  options: SaveOptions = {},
): Promise<void> {
  await writeFileAtomically(path, detector.save(options));
}

/** {@link loadTeacher} from a weight file. */
export async function loadTeacherFile(
  name: BackboneName,
  path: string,
  options: TeacherOptions = {},
): Promise<Teacher> {
  return loadTeacher(name, await read(path), options);
}

export interface WorkerRunnerOptions {
  /** Modules each worker imports before it builds its student: they register a user's own objectives. */
  readonly modules?: readonly URL[];
}

/**
 * For `trainDetector`'s `runner` option: each student is trained in a worker thread of its own, on the
 * backend current in this thread. Needs `@tensorflow/tfjs`.
 */
export function workerRunnerFor({ modules = [] }: WorkerRunnerOptions = {}): (
  plan: BranchPlan,
) => Promise<StudentRunner> {
  return (plan) => {
    const options: StudentSetUpOptions = {
      plan,
      backend: tf.getBackend(),
      modules: modules.map(({ href }) => href),
    };
    return workerRunner({
      name: plan.name,
      setUpModule: new URL('./student-set-up.js', import.meta.url),
      options,
    });
  };
}
