import type { Command } from 'commander';
import { defineCommand } from '../define-command.js';
import { distilTeacherOptions } from '../options/distil-teacher.js';

export function distilTeacherCommand(): Command {
  return defineCommand({
    name: 'distil-teacher',
    options: distilTeacherOptions,
    run: async (options, _, signal) => {
      const { distil } = await import('../work/distil-teacher.js');
      await distil(options, signal);
    },
  });
}
