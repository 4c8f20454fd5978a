import { isDskdError } from '@dskd/base';
import { PreparedImages } from '@dskd/data';
import type { Alternative, CostEstimate } from '@dskd/methods';
import { bytesOfThumbnail } from '../inference/thumbnails.js';
import { fit } from './train-detector.js';
import {
  resolveTrainingOptions,
  type FitProgress,
  type Fitting,
  type TrainDetectorOptions,
} from './training-options.js';

export interface EstimateOptions {
  /** All the memory there is, backend and host together, in bytes. Default: only the backend's own limits count. */
  readonly availableBytes?: number;
  /** Real steps that are run to find the time; the first one is not counted. 0 finds no time. Default 3. */
  readonly measuredSteps?: number;
}

/** What a training would cost on this machine, on the current backend. */
export interface TrainingCost extends CostEstimate {
  /** How many images are trained on. */
  readonly images: number;
  /** Mean of the measured steps, the teacher's pass included; null where none was run. */
  readonly secondsPerStep: number | null;
  /**
   * Of the whole run, but for reading images and calibrating; null where no step was run. From the second epoch on
   * the teacher's features come from a cache while it has room: then the run takes less.
   */
  readonly seconds: number | null;
  /** What would fit, where the run cannot. */
  readonly alternatives: readonly Alternative[];
}

/** Seconds of a step: runs the training itself until `count` steps are done. */
async function measureSteps(
  fitting: Fitting,
  images: PreparedImages,
  copies: number,
  count: number,
  signal: AbortSignal | undefined,
): Promise<number | null> {
  const stop = new AbortController();
  const ends: number[] = [];
  const progress: FitProgress = {
    signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
    onEvent: ({ type }) => {
      if (type !== 'step-end') return;
      ends.push(performance.now());
      if (ends.length >= count) stop.abort();
    },
  };
  try {
    const { model } = await fit(fitting, images, copies, progress);
    model.dispose();
  } catch (error) {
    if (!isDskdError(error, 'aborted') || signal?.aborted) throw error;
  }
  if (ends.length < 2) return null;
  return (ends.at(-1)! - ends[0]!) / 1000 / (ends.length - 1);
}

/** Steps and seconds of the run, with as many steps as fit where its options limit the time. */
function timeOf(
  { steps, timeLimit = Infinity }: CostEstimate,
  secondsPerStep: number | null,
): Pick<TrainingCost, 'steps' | 'seconds'> {
  if (secondsPerStep === null) return { steps, seconds: null };
  const fitting = Math.max(1, Math.min(steps, Math.floor(timeLimit / secondsPerStep)));
  return { steps: fitting, seconds: fitting * secondsPerStep };
}

/** A cost with something beside the method's own, outside of the backend's heaps. */
function withHostMemory(cost: CostEstimate, what: string, bytes: number): CostEstimate {
  if (bytes === 0) return cost;
  const { memory } = cost;
  const parts = [...memory.parts, { what, heap: 'host', bytes }];
  return { ...cost, bytes: cost.bytes + bytes, memory: { ...memory, parts, total: memory.total + bytes } };
}

/**
 * What a training would cost here, before it starts: memory by arithmetic, time by the first steps of the training
 * itself, whose result is thrown away. A training that does not fit is not timed.
 * @param options what `trainDetector` would be given.
 * @throws {DskdError} as `trainDetector`, but for `out-of-memory`.
 */
export async function estimateTraining(
  options: TrainDetectorOptions,
  { availableBytes = Infinity, measuredSteps = 3 }: EstimateOptions = {},
): Promise<TrainingCost> {
  const { fitting, chosen, copies, preparation, progress, thumbnails } =
    await resolveTrainingOptions(options);
  const { method, plan } = fitting;
  const images = chosen.training.length;
  const thumbnailBytes = thumbnails ? images * bytesOfThumbnail(thumbnails) : 0;
  const estimate = method.estimate(plan, fitting.options);
  const { files } = estimate;
  const cost = {
    ...withHostMemory(estimate, 'thumbnails', thumbnailBytes),
    ...(files && { files: { ...files, model: files.model + thumbnailBytes } }),
  };
  const fits = cost.memory.exceeded.length === 0;
  const secondsPerStep =
    fits && measuredSteps > 0 && cost.steps > 0
      ? await measureSteps(
          fitting,
          new PreparedImages(chosen.training, preparation),
          copies,
          measuredSteps,
          progress.signal,
        )
      : null;
  const tooMuch = !fits || cost.bytes > availableBytes;
  return {
    ...cost,
    images,
    secondsPerStep,
    ...timeOf(cost, secondsPerStep),
    alternatives: tooMuch
      ? (method.alternatives?.(plan, fitting.options, availableBytes - thumbnailBytes) ?? [])
      : [],
  };
}
