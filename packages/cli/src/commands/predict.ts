import path from 'node:path';
import { DskdError } from '@dskd/base';
import type { Command } from 'commander';
import { defineCommand } from '../define-command.js';
import { predictOptions, type PredictOptions } from '../options/predict.js';
import { MODEL_ARGUMENT } from '../options/shared.js';

export function predictCommand(): Command {
  return defineCommand({
    name: 'predict',
    arguments: [MODEL_ARGUMENT, ['[images...]', 'images, or folders of images']],
    options: predictOptions,
    run: async (options, [model, ...images], signal) => {
      assertSensible(images, options);
      const { predict } = await import('../work/predict.js');
      await predict(model!, images, options, signal);
    },
  });
}

function assertSensible(images: readonly string[], { watch, out }: PredictOptions): void {
  if (images.length === 0 && watch === undefined) {
    throw new DskdError('invalid-argument', 'No images are given.', {
      hint: 'Name images or folders after the model, or a folder to watch: --watch DIR.',
    });
  }
  if (watch !== undefined && out !== undefined && path.resolve(watch) === path.resolve(out)) {
    throw new DskdError('invalid-argument', `Got ${watch} to watch and to write heat maps to.`, {
      hint: 'Heat maps would be taken for new images: give --out another folder.',
    });
  }
}
