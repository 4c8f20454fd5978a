import type { Command } from 'commander';
import { defineCommand } from '../define-command.js';
import { evaluateOptions } from '../options/evaluate.js';
import { MODEL_ARGUMENT } from '../options/shared.js';

export function evaluateCommand(): Command {
  return defineCommand({
    name: 'evaluate',
    arguments: [MODEL_ARGUMENT],
    options: evaluateOptions,
    run: async (options, [model], signal) => {
      const { evaluate } = await import('../work/evaluate.js');
      await evaluate(model!, options, signal);
    },
  });
}
