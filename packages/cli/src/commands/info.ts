import type { Command } from 'commander';
import { defineCommand } from '../define-command.js';
import { infoOptions } from '../options/plain.js';
import { MODEL_ARGUMENT } from '../options/shared.js';

export function infoCommand(): Command {
  return defineCommand({
    name: 'info',
    arguments: [MODEL_ARGUMENT],
    options: infoOptions,
    run: async (options, [model]) => {
      const { info } = await import('../work/info.js');
      await info(model!, options);
    },
  });
}
