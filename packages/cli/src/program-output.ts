import type { Command } from 'commander';
import { wantsColor } from './render/color.js';

/**
 * For a command and those below it: errors are thrown for `main` to print and to choose the exit code;
 * headings are bold where color is wanted.
 */
export function configureOutput(command: Command): void {
  command
    .exitOverride()
    .configureOutput({
      outputError: () => undefined,
      getOutHasColors: () => wantsColor(process.stdout),
    })
    .configureHelp({ ...command.configureHelp(), styleTitle: (title) => `\x1b[1m${title}\x1b[22m` });
  for (const child of command.commands) configureOutput(child);
}
