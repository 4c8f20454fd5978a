import { DskdError } from '@dskd/base';
import { Command, CommanderError } from 'commander';
import { SUMMARIES, type CommandName } from './commands/summaries.js';
import { EXIT, EXIT_CODES, exitCodeOf } from './exit-codes.js';
import { configureOutput } from './program-output.js';
import { printError } from './output.js';
import { VERSION } from './version.js';

/** Each command is loaded when it is asked for: `dskd --help` reads no schema and no tfjs. */
const COMMANDS: Readonly<Record<CommandName, () => Promise<Command>>> = {
  train: async () => (await import('./commands/train.js')).trainCommand(),
  evaluate: async () => (await import('./commands/evaluate.js')).evaluateCommand(),
  predict: async () => (await import('./commands/predict.js')).predictCommand(),
  calibrate: async () => (await import('./commands/calibrate.js')).calibrateCommand(),
  combine: async () => (await import('./commands/combine.js')).combineCommand(),
  check: async () => (await import('./commands/check.js')).checkCommand(),
  info: async () => (await import('./commands/info.js')).infoCommand(),
  'distill-teacher': async () => (await import('./commands/distill-teacher.js')).distillTeacherCommand(),
  weights: async () => (await import('./commands/weights/index.js')).weightsCommand(),
  init: async () => (await import('./commands/init.js')).initCommand(),
  synth: async () => (await import('./commands/synth.js')).synthCommand(),
  benchmark: async () => (await import('./commands/benchmark.js')).benchmarkCommand(),
  reproduce: async () => (await import('./commands/reproduce.js')).reproduceCommand(),
  doctor: async () => (await import('./commands/doctor.js')).doctorCommand(),
};

/** The command that `argv` names, also after `help`. */
function commandNamed(argv: readonly string[]): string | undefined {
  const words = argv.slice(2).filter((word) => !word.startsWith('-'));
  return words[0] === 'help' ? words[1] : words[0];
}

async function createProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('dskd')
    .description(
      'Learns good parts from images, then says of a new image whether, where and how it is anomalous.',
    )
    .version(VERSION)
    .addHelpText('after', `\nExit codes: ${EXIT_CODES}.`);
  const wanted = commandNamed(argv);
  for (const name of Object.keys(COMMANDS) as CommandName[]) {
    program.addCommand(
      name === wanted ? await COMMANDS[name]() : new Command(name).description(SUMMARIES[name]),
    );
  }
  configureOutput(program);
  return program;
}

/** What commander has to say, as any other error. */
function usageError({ message }: CommanderError, command: string | undefined): DskdError {
  const [what, ...suggestion] = message.replace(/^error: /, '').split('\n');
  const known = command !== undefined && command in COMMANDS;
  const help = known ? `dskd ${command} --help lists its options.` : 'dskd --help lists the commands.';
  return new DskdError('invalid-argument', `${what!}.`, { hint: [...suggestion, help].join(' ') });
}

/**
 * Runs the command line `argv` (as `process.argv`).
 * @returns the exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted.
 */
export async function main(argv: readonly string[]): Promise<number> {
  const format = { json: argv.includes('--json'), debug: argv.includes('--debug') };
  try {
    const program = await createProgram(argv);
    await program.parseAsync(argv);
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
