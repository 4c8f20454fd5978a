import type { Command } from 'commander';
import { defineCommand } from '../define-command.js';
import { distillTeacherOptions } from '../options/distill-teacher.js';

export function distillTeacherCommand(): Command {
  return defineCommand({
    name: 'distill-teacher',
    options: distillTeacherOptions,
    run: async (options, _, signal) => {
      const { distill } = await import('../work/distill-teacher.js');
      await distill(options, signal);
    },
  });
}
