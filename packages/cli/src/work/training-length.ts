import { holdOut, type ImageSource } from '@dskd/data';
import { LEAST_EPOCHS, LEAST_STEPS, type TrainOptions } from '../options/train.js';

type LengthOptions = Pick<TrainOptions, 'epochs' | 'batchSize' | 'holdOut' | 'seed' | 'calibrateOnTraining'>;

function imagesTrainedOn(
  { samples }: Pick<ImageSource, 'samples'>,
  { holdOut: fraction, seed, calibrateOnTraining }: LengthOptions,
): number {
  const good = (split: string): typeof samples =>
    samples.filter((sample) => sample.split === split && sample.label === 'good');
  const all = good('train');
  if (calibrateOnTraining || good('validation').length > 0) return all.length;
  return holdOut(all, { fraction, seed }).kept.length;
}

/**
 * Passes over the images: as many as were asked for, or enough of them for scores to mean something. Of a few
 * images ten passes are a handful of steps, after which not even batch norm's statistics have settled.
 */
export function epochsFor(options: LengthOptions, source: Pick<ImageSource, 'samples'>): number {
  if (options.epochs !== undefined) return options.epochs;
  const stepsPerEpoch = Math.max(1, Math.floor(imagesTrainedOn(source, options) / options.batchSize));
  return Math.max(LEAST_EPOCHS, Math.ceil(LEAST_STEPS / stepsPerEpoch));
}
