import type { Command } from 'commander';
import { defineCommand } from '../define-command.js';
import { reproduceOptions } from '../options/reproduce.js';

export function reproduceCommand(): Command {
  return defineCommand({
    name: 'reproduce',
    arguments: [['<table>', 'table1 to table6, fig4, fig5 or fig6']],
    options: reproduceOptions,
    run: async (options, [table], signal) => {
      const { reproduce } = await import('../work/reproduce.js');
      await reproduce(table!, options, signal);
    },
  });
}
