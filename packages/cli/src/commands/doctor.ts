import type { Command } from 'commander';
import { defineCommand } from '../define-command.js';
import { doctorOptions } from '../options/plain.js';

export function doctorCommand(): Command {
  return defineCommand({
    name: 'doctor',
    options: doctorOptions,
    run: async (options) => {
      const { doctor } = await import('../work/doctor.js');
      await doctor(options);
    },
  });
}
