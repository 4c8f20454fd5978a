import type { Detector, Teacher } from '@dskd/detector';

/** A detector and the teacher file it was given, if any; `dispose` ends both. */
export interface LoadedModel {
  readonly detector: Detector;
  dispose(): void;
}

/** Starts the backend and loads a model, with its teacher from `weights` where one is given. */
export async function loadModel(
  path: string,
  options: { backend: string; weights?: string },
): Promise<LoadedModel> {
  const [{ startBackend }, node, { backboneName, readArtefact }, { readFile }] = await Promise.all([
    import('../backend.js'),
    import('@dskd/detector/node'),
    import('@dskd/detector'),
    import('node:fs/promises'),
  ]);
  await startBackend(options.backend);
  let teacher: Teacher | undefined;
  if (options.weights !== undefined) {
    const { name } = readArtefact(await readFile(path)).description.teacher;
    teacher = await node.loadTeacherFile(backboneName(name), options.weights);
  }
  try {
    const detector = await node.loadDetectorFile(path, teacher ? { teacher } : {});
    return {
      detector,
      dispose() {
        detector.dispose();
        teacher?.dispose();
      },
    };
  } catch (error) {
    teacher?.dispose();
    throw error;
  }
}
