import { estimateTraining } from '@dskd/detector';
import type { EstimateJob, JobCost } from '../jobs.js';
import { openCategory, teacherOf, trainingOf } from './train-cell.js';

/** Scoring a batch takes the teacher's pass and the student's pass forward: about this share of a training step. */
const SCORING_SHARE = 1 / 2;

/** What a training like the cell costs here, from its first steps. */
export async function estimateCell({ cell, category }: EstimateJob, signal: AbortSignal): Promise<JobCost> {
  const source = await openCategory(category, signal);
  const teacher = await teacherOf(cell);
  try {
    const { bytes, seconds, secondsPerStep } = await estimateTraining({
      ...trainingOf(cell, source, teacher),
      signal,
    });
    const batches = category.images.test / Math.min(cell.facts.training.batchSize, category.images.train);
    const scoringSeconds = batches * (secondsPerStep ?? 0) * SCORING_SHARE;
    return { bytes, seconds: seconds ?? 0, scoringSeconds };
  } finally {
    teacher.dispose();
  }
}
