import type { Command } from 'commander';
import { defineCommand } from '../define-command.js';
import { benchmarkOptions } from '../options/benchmark.js';

export function benchmarkCommand(): Command {
  return defineCommand({
    name: 'benchmark',
    arguments: [['<config>', 'the grid, as YAML or JSON: bench/synthetic-grid.yaml is an example']],
    options: benchmarkOptions,
    run: async (options, [config], signal) => {
      const { benchmark } = await import('../work/benchmark.js');
      await benchmark(config!, options, signal);
    },
  });
}
