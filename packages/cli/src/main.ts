import { Command, CommanderError } from 'commander';
import { doctorCommand } from './commands/doctor.js';
import { evaluateCommand } from './commands/evaluate.js';
import { infoCommand } from './commands/info.js';
import { predictCommand } from './commands/predict.js';
import { trainCommand } from './commands/train.js';
import { EXIT, exitCodeOf } from './exit-codes.js';
import { printError } from './output.js';
import { VERSION } from './version.js';

function createProgram(): Command {
  return new Command('dskd')
    .description(
      'Learns good parts from pictures, then says of a new picture whether, where and how it is anomalous.',
    )
    .version(VERSION)
    .showHelpAfterError('(dskd --help, or dskd COMMAND --help, lists the options)')
    .addCommand(trainCommand())
    .addCommand(evaluateCommand())
    .addCommand(predictCommand())
    .addCommand(infoCommand())
    .addCommand(doctorCommand());
}

/** Every subcommand throws instead of ending the process, so that `main` alone decides the exit code. */
function throwInsteadOfExiting(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExiting(child);
}

/**
 * Runs the command line `argv` (as `process.argv`).
 * @returns the exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted.
 */
export async function main(argv: readonly string[]): Promise<number> {
  const program = createProgram();
  throwInsteadOfExiting(program);
  try {
    await program.parseAsync(argv);
    return EXIT.success;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.success : EXIT.usage;
    printError(error, { json: argv.includes('--json'), debug: argv.includes('--debug') });
    return exitCodeOf(error);
  }
}
