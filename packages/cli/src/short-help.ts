import { Help, Option, type Command } from 'commander';
import { GENERAL } from './options/flags.js';
import type { OptionProperty } from './options/properties.js';

/** The main options in one list or, after `showAll`, every option in its group. */
class ShortHelp extends Help {
  readonly #main: ReadonlySet<string>;
  readonly #showsAll: () => boolean;
  #writing = false;

  constructor(main: ReadonlySet<string>, showsAll: () => boolean) {
    super();
    this.#main = main;
    this.#showsAll = showsAll;
  }

  /** All of them while nothing is written: commander looks here for what a mistyped option may have meant. */
  override visibleOptions(command: Command): Option[] {
    const options = super.visibleOptions(command);
    if (!this.#writing || this.#showsAll()) return options;
    return options
      .filter(({ long }) => this.#main.has(long ?? ''))
      .map(({ flags, description }) => new Option(flags, description).helpGroup(GENERAL));
  }

  override formatHelp(command: Command, helper: Help): string {
    this.#writing = true;
    return super.formatHelp(command, helper);
  }
}

/** `--help` shows the options in `main`, `--help-all` every one, in groups. */
export function shortenHelp(command: Command, main: readonly OptionProperty[]): void {
  const shown = new Set([...main.map(({ flag }) => flag), '--help', '--help-all']);
  let all = false;
  command.createHelp = () => Object.assign(new ShortHelp(shown, () => all), command.configureHelp());
  command
    .addOption(new Option('--help-all', 'show every option').helpGroup(GENERAL))
    .on('option:help-all', () => {
      all = true;
      command.help();
    });
}
