import { Command } from 'commander';
import type { z } from 'zod';
import { SUMMARIES, type CommandName } from './commands/summaries.js';
import { interruptible } from './interrupt.js';
import type { ConfigFile } from './options/config-file.js';
import { flagsOf } from './options/flags.js';
import { propertiesOf } from './options/properties.js';
import { resolveOptions } from './options/resolve-options.js';
import { shortenHelp } from './short-help.js';

type Values = Record<string, unknown>;

export interface CommandDefinition<Schema extends z.ZodObject> {
  readonly name: CommandName;
  /** `<required>`, `[optional]`, `<several...>`, each with what it is. */
  readonly arguments?: readonly (readonly [name: string, description: string])[];
  readonly options: Schema;
  /** What a preset among `given` (flags over config file) sets: weaker than both, stronger than defaults. */
  recipe?(given: Values): Promise<Values>;
  run(options: z.output<Schema>, positional: readonly string[], signal: AbortSignal): Promise<void>;
}

/** A command of the command line, made from the one description of its options. */
export function defineCommand<Schema extends z.ZodObject>(definition: CommandDefinition<Schema>): Command {
  const { name, options: schema } = definition;
  const command = new Command(name).description(SUMMARIES[name]);
  for (const [argument, description] of definition.arguments ?? []) command.argument(argument, description);
  const properties = propertiesOf(schema);
  for (const property of properties) {
    for (const flag of flagsOf(property)) command.addOption(flag);
  }
  const main = properties.filter(({ facts }) => facts.main);
  if (main.length < properties.length) shortenHelp(command, main);
  return command.action(async () => {
    const flags = flagsGiven(command);
    const file = await configFile(flags.config);
    const options = await settle(definition, flags, file);
    await interruptible((signal) => definition.run(options, command.args, signal));
  });
}

/** The YAML parser is loaded for those who have a file. */
async function configFile(path: unknown): Promise<ConfigFile | undefined> {
  if (typeof path !== 'string') return undefined;
  const { readConfigFile } = await import('./options/config-file.js');
  return readConfigFile(path);
}

/** What stands on the command line itself. */
function flagsGiven(command: Command): Values {
  return Object.fromEntries(
    Object.entries(command.opts()).filter(([key]) => command.getOptionValueSource(key) === 'cli'),
  );
}

async function settle<Schema extends z.ZodObject>(
  definition: CommandDefinition<Schema>,
  flags: Values,
  file: ConfigFile | undefined,
): Promise<z.output<Schema>> {
  const preset = await definition.recipe?.({ ...file?.values, ...flags });
  return resolveOptions(definition.name, definition.options, { flags, file, recipe: preset });
}
