import { Option } from 'commander';
import { choicesOf, defaultOf } from './wanted.js';
import type { OptionProperty } from './properties.js';

/** Heading of options that belong to no group. */
export const GENERAL = 'Options:';

/** The description with what can be chosen and what is taken otherwise: one line of the help. */
export function describeOption(property: OptionProperty): string {
  const choices = choicesOf(property)?.join(', ');
  const fallback = defaultOf(property);
  const remarks = [choices, fallback === undefined ? undefined : `default ${fallback}`].filter(
    (remark) => remark !== undefined,
  );
  const description = property.json.description ?? '';
  return remarks.length === 0 ? description : `${description} (${remarks.join('; ')})`;
}

/** Text that is a number becomes one; anything else stays, to be quoted in the complaint. */
function numberOrText(text: string): number | string {
  const value = Number(text);
  return text.trim() === '' || !Number.isFinite(value) ? text : value;
}

/**
 * The flags of one option. A switch has two, `--name` and `--no-name`, so that either can overrule a config
 * file; the help shows the one that changes the default.
 */
export function flagsOf(property: OptionProperty): Option[] {
  const { flag, key, json, facts } = property;
  const group = facts.group === undefined ? GENERAL : `${facts.group}:`;
  if (json.type === 'boolean') {
    const on = new Option(flag, describeOption(property)).helpGroup(group);
    if (facts.flagOnly) return [on];
    const off = new Option(flag.replace('--', '--no-'), facts.negative ?? '').helpGroup(group);
    (json.default === true ? on : off).hideHelp();
    return [on, off];
  }
  const value = `<${facts.value ?? key}${json.type === 'array' ? '...' : ''}>`;
  const option = new Option(`${flag} ${value}`, describeOption(property)).helpGroup(group);
  const isNumber = json.type === 'number' || json.type === 'integer';
  return [isNumber ? option.argParser(numberOrText) : option];
}
