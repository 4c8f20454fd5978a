import { paperRecipe } from '@dskd/detector';

/**
 * Options that `--preset paper` sets: all that the paper trained with, of which the size of the students is but a
 * part. Flags and a config file overrule it. Not sigma: the default of 4 at 256 px is the paper's, and follows
 * another size.
 */
export function paperOptions(category: string | undefined): Record<string, unknown> {
  const { teacher, options } = paperRecipe(category);
  const { local, global } = options.branches;
  return {
    teacher: teacher.name,
    size: [...options.inputSize],
    fit: options.fit,
    augment: options.augmentation,
    gccb: options.gccb.variant,
    gccbChannels: options.gccb.channels,
    epochs: options.epochs,
    batchSize: options.batchSize,
    localObjective: local.objective.name,
    globalObjective: global.objective.name,
    temperature: global.objective.options.temperature,
    localLearningRate: local.optimizer.learningRate,
    globalLearningRate: global.optimizer.learningRate,
  };
}
