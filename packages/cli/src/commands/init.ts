import type { Command } from 'commander';
import { defineCommand } from '../define-command.js';
import { CONFIGURABLE } from '../options/configurable.js';
import { initOptions } from '../options/plain.js';

export function initCommand(): Command {
  return defineCommand({
    name: 'init',
    arguments: [
      ['[command]', `the command it is for: ${Object.keys(CONFIGURABLE).join(', ')} (default train)`],
    ],
    options: initOptions,
    run: async (options, [command = 'train']) => {
      const { init } = await import('../work/init.js');
      await init(command, options);
    },
  });
}
