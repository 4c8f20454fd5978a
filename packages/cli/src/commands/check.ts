import type { Command } from 'commander';
import { defineCommand } from '../define-command.js';
import { checkOptions } from '../options/check.js';

export function checkCommand(): Command {
  return defineCommand({
    name: 'check',
    arguments: [['<data>', 'a folder of images, a dataset, or a manifest']],
    options: checkOptions,
    run: async (options, [data], signal) => {
      const { check } = await import('../work/check.js');
      await check(data!, options, signal);
    },
  });
}
