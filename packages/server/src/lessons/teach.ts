import { DskdError } from '@dskd/base';
import type { LessonOutcome } from '@dskd/detector';
import { WorkerThread } from '@dskd/training/node';

/** A lesson. It can be posted. */
export interface LessonJob {
  /** Of a `.safetensors` file. */
  readonly bytes: Uint8Array;
  /** Weight file of the teacher, for a detector that does not contain it. */
  readonly teacher: Uint8Array | undefined;
  /** Bytes of files of images that are good. */
  readonly images: readonly Uint8Array[];
  /** URLs of modules that register methods. */
  readonly imports: readonly string[];
  readonly maxPixels: number | undefined;
}

/** The file with the lesson, and what the lesson changed. */
export interface Taught {
  readonly bytes: Uint8Array;
  readonly outcome: LessonOutcome;
}

/** What the thread of `worker.ts` offers. */
export interface LessonWorker {
  teach(job: LessonJob): Promise<Taught>;
}

/**
 * Teaches a detector that images are good (`Detector.extend`), in a thread that ends with the lesson.
 * @throws {DskdError} of loading the detector, of decoding, and as `Detector.extend`: `invalid-argument` for a method that cannot learn.
 */
export async function teach(job: LessonJob): Promise<Taught> {
  const thread = new WorkerThread<LessonWorker>({
    module: new URL('./worker.js', import.meta.url),
    name: 'The thread of a lesson',
  });
  try {
    return await thread.call((worker) => worker.teach(job));
  } finally {
    await thread.end(new DskdError('disposed', 'The lesson has ended.'));
  }
}
