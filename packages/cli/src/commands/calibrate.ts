import type { Command } from 'commander';
import { defineCommand } from '../define-command.js';
import { calibrateOptions } from '../options/calibrate.js';
import { MODEL_ARGUMENT } from '../options/shared.js';

export function calibrateCommand(): Command {
  return defineCommand({
    name: 'calibrate',
    arguments: [MODEL_ARGUMENT],
    options: calibrateOptions,
    run: async (options, [model], signal) => {
      const { calibrate } = await import('../work/calibrate.js');
      await calibrate(model!, options, signal);
    },
  });
}
