import type { Command } from 'commander';
import { defineCommand } from '../define-command.js';
import { synthOptions } from '../options/synth.js';

export function synthCommand(): Command {
  return defineCommand({
    name: 'synth',
    arguments: [['<dir>', 'folder for the dataset; it goes into DIR/CATEGORY']],
    options: synthOptions,
    run: async (options, [folder], signal) => {
      const { synth } = await import('../work/synth.js');
      await synth(folder!, options, signal);
    },
  });
}
