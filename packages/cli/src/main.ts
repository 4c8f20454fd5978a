import { DskdError } from '@dskd/base';
import { Command, CommanderError } from 'commander';
import { COMMANDS } from './commands/index.js';
import { commanderCommand } from './define-command.js';
import { EXIT, EXIT_CODES, exitCodeOf, printError } from './errors.js';
import { endOutput, wantsColor } from './output/print.js';
import { VERSION } from './version.js';

/** The command that `argv` names, also after `help`. */
function commandNamed(argv: readonly string[]): string | undefined {
  const words = argv.slice(2).filter((word) => !word.startsWith('-'));
  return words[0] === 'help' ? words[1] : words[0];
}

const isCommand = (name: string | undefined): name is string =>
  name !== undefined && Object.hasOwn(COMMANDS, name);

/** The program with the command that `argv` names, or with all commands to list them. */
async function createProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('dskd')
    .description('Trains on images of good parts, then finds and locates anomalies in new images.')
    .version(VERSION)
    .addHelpText('after', `\nExit codes: ${EXIT_CODES}.`);
  const named = commandNamed(argv);
  const names = isCommand(named) ? [named] : Object.keys(COMMANDS);
  for (const name of names) program.addCommand(commanderCommand(await COMMANDS[name]!()));
  configureOutput(program);
  return program;
}

/**
 * Configures a command and its subcommands: errors are thrown, so that `main` prints them and chooses the exit code;
 * headings are bold if color is wanted.
 */
function configureOutput(command: Command): void {
  command
    .exitOverride()
    .configureOutput({
      outputError: () => undefined,
      getOutHasColors: () => wantsColor(process.stdout),
    })
    .configureHelp({ ...command.configureHelp(), styleTitle: (title) => `\x1b[1m${title}\x1b[22m` });
  for (const child of command.commands) configureOutput(child);
}

/** Converts an error of commander to a DskdError. */
function usageError({ message }: CommanderError, command: string | undefined): DskdError {
  const [what, ...suggestion] = message.replace(/^error: /, '').split('\n');
  const help = isCommand(command)
    ? `dskd ${command} --help lists its options.`
    : 'dskd --help lists the commands.';
  return new DskdError('invalid-argument', `${what!.replace(/\.$/, '')}.`, {
    hint: [...suggestion, help].join(' '),
  });
}

/**
 * Runs the command line.
 * @param argv as `process.argv`.
 * @returns the exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted.
 */
export async function main(argv: readonly string[]): Promise<number> {
  const format = { json: argv.includes('--json'), debug: argv.includes('--debug') };
  try {
    const program = await createProgram(argv);
    await program.parseAsync(argv).finally(endOutput);
    return EXIT.success;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.success;
      if (error.code !== 'commander.help') printError(usageError(error, commandNamed(argv)), format);
      return EXIT.usage;
    }
    printError(error, format);
    return exitCodeOf(error);
  }
}
