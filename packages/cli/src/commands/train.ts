import type { Command } from 'commander';
import { defineCommand } from '../define-command.js';
import { trainOptions } from '../options/train.js';

export function trainCommand(): Command {
  return defineCommand({
    name: 'train',
    options: trainOptions,
    recipe: async ({ preset, category }) => {
      if (preset !== 'paper') return {};
      const { paperOptions } = await import('../work/paper-options.js');
      return paperOptions(typeof category === 'string' ? category : undefined);
    },
    run: async (options, _, signal) => {
      const { train } = await import('../work/train.js');
      await train(options, signal);
    },
  });
}
