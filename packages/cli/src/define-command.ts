import { Command } from 'commander';
import type { ConfigFile } from './options/config-file.js';
import { addFlags } from './options/help.js';
import type { OptionSet, OptionValues } from './options/option.js';
import { resolveOptions } from './options/resolve.js';

type Values = Record<string, unknown>;

/** A command: the content of its help, and what it does. */
export interface CommandDefinition<Options extends OptionSet> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** `<required>`, `[optional]` or `<several...>`, each with its description. */
  readonly arguments?: readonly (readonly [name: string, description: string])[];
  readonly options: Options;
  /** Options that a preset in `given` (flags over config file) sets. They override defaults only. */
  recipe?(given: Values): Promise<Values>;
  /** Imports what it needs itself, so that the help of a command does not load TensorFlow.js. */
  run(options: OptionValues<Options>, positional: readonly string[], signal: AbortSignal): Promise<void>;
}

/** A command with commands below it: `dskd weights list`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly AnyCommand[];
}

export type AnyCommand = CommandGroup | (CommandDefinition<OptionSet> & { readonly commands?: undefined });

/** Checks the types of a command. */
export function defineCommand<Options extends OptionSet>(
  definition: CommandDefinition<Options>,
): CommandDefinition<Options> {
  return definition;
}

/**
 * Makes the commander command of a definition.
 * @param path the command's name with those of the groups above it: `weights list`.
 */
export function commanderCommand(definition: AnyCommand, path = definition.name): Command {
  const command = new Command(definition.name).description(definition.summary);
  if (definition.commands) {
    for (const child of definition.commands) {
      command.addCommand(commanderCommand(child, `${path} ${child.name}`));
    }
    return command;
  }
  for (const [argument, description] of definition.arguments ?? []) command.argument(argument, description);
  addFlags(command, definition.options);
  return command.action(async () => {
    const flags = flagsGiven(command);
    const file = await configFile(flags.config);
    const recipe = await definition.recipe?.({ ...file?.values, ...flags });
    const options = resolveOptions(path, definition.options, { flags, file, recipe });
    await loadPluginsOf(options);
    await interruptible((signal) => definition.run(options, command.args, signal));
  });
}

/** Reads the config file. The YAML parser is loaded only if there is one. */
async function configFile(path: unknown): Promise<ConfigFile | undefined> {
  if (typeof path !== 'string') return undefined;
  const { readConfigFile } = await import('./options/config-file.js');
  return readConfigFile(path);
}

/** Loads the packages of `--plugin`, for commands with that option. */
async function loadPluginsOf({ plugin }: Values): Promise<void> {
  if (!Array.isArray(plugin)) return;
  const { loadPlugins } = await import('./plugins.js');
  await loadPlugins(plugin as readonly string[]);
}

/** The options that the command line itself gives. */
function flagsGiven(command: Command): Values {
  return Object.fromEntries(
    Object.entries(command.opts()).filter(([key]) => command.getOptionValueSource(key) === 'cli'),
  );
}

/**
 * Runs `work` with a signal that Ctrl-C (or SIGTERM) aborts, so that it can end cleanly. A second one ends the
 * process immediately.
 */
async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write('\nstopping after this step (press Ctrl-C again to stop immediately)\n');
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
