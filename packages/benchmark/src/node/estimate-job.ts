import { estimateTraining } from '@dskd/detector';
import type { EstimateJob, JobCost } from '../jobs.js';
import { openCategory, teacherOf, trainingOf } from './train-cell.js';

/** A pass forward is a third of a step. */
const FORWARD_SHARE = 1 / 3;

/** What a training like the cell costs here, from one measured step. */
export async function estimateCell({ cell, category }: EstimateJob, signal: AbortSignal): Promise<JobCost> {
  const source = await openCategory(category, signal);
  const teacher = await teacherOf(cell);
  try {
    const { bytes, seconds, measured } = await estimateTraining({
      ...trainingOf(cell, source, teacher),
      signal,
    });
    const student = Object.values(measured.students)[0]!;
    const batches = category.images.test / Math.min(cell.facts.training.batchSize, category.images.train);
    const scoringSeconds = batches * (measured.teacherSeconds + student.seconds * FORWARD_SHARE);
    return { bytes, seconds, scoringSeconds };
  } finally {
    teacher.dispose();
  }
}
