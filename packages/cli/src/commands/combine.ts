import type { Command } from 'commander';
import { defineCommand } from '../define-command.js';
import { combineOptions } from '../options/combine.js';

export function combineCommand(): Command {
  return defineCommand({
    name: 'combine',
    arguments: [
      ['<local>', 'a model of dskd train --student local'],
      ['<global>', 'one of dskd train --student global, on the same images with the same options'],
    ],
    options: combineOptions,
    run: async (options, models, signal) => {
      const { combine } = await import('../work/combine.js');
      await combine(models, options, signal);
    },
  });
}
