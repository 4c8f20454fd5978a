import { DskdError } from '@dskd/base';
import type { StudentState } from '@dskd/training';
import { z } from 'zod';
import { assertSameRun, readCheckpoint, writeCheckpoint } from '@dskd/training';
import { checkMetadata } from '@dskd/weights';
import { curvePoint, type CurvePoint, type DistillationSettings } from './record.js';

const runSchema = z.object({
  kind: z.literal('distillation'),
  settings: z.record(z.string(), z.json()),
  curve: z.array(curvePoint),
});

/** A distillation between two steps. */
export interface DistillationProgress {
  /** Steps done. */
  readonly step: number;
  readonly curve: readonly CurvePoint[];
  /** Of the losses since the last point of the curve. */
  readonly lossSum: number;
  readonly student: StudentState;
}

/** The bytes of a training checkpoint whose run is a distillation. */
export function writeProgress(settings: DistillationSettings, progress: DistillationProgress): Uint8Array {
  const { step, curve, lossSum, student } = progress;
  const { seed, batchSize, steps } = settings;
  return writeCheckpoint({
    state: {
      seed,
      batchSize,
      images: steps * batchSize,
      step,
      history: [],
      lossSums: { [student.name]: lossSum },
      students: [student],
    },
    run: { kind: 'distillation', settings, curve: [...curve] },
  });
}

/**
 * Reads what {@link writeProgress} wrote for a run with the same settings.
 * @throws {DskdError} as `readCheckpoint`; `artifact-invalid` for the checkpoint of a detector;
 * `invalid-argument` naming the settings that differ.
 */
export function readProgress(bytes: Uint8Array, settings: DistillationSettings): DistillationProgress {
  const checkpoint = readCheckpoint(bytes);
  const { settings: saved, curve } = checkMetadata(runSchema, checkpoint.run, 'distillation checkpoint');
  assertSameRun({ ...checkpoint, run: saved }, { ...settings });
  const { step, lossSums, students } = checkpoint.state;
  const [student] = students;
  if (!student || students.length !== 1) {
    throw new DskdError('artifact-invalid', `The checkpoint has ${students.length} networks, wanted one.`);
  }
  return { step, curve, lossSum: lossSums[student.name] ?? 0, student };
}
