import type { JsonSchema, OptionProperty } from './properties.js';

/** The values an option can be chosen from, if it is a choice. */
export function choicesOf({ json }: OptionProperty): readonly string[] | undefined {
  return json.enum?.map(String);
}

function bounds({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  const parts: string[] = [];
  // zod bounds whole numbers by what a double holds exactly: true, but nothing to tell.
  if (minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER) parts.push(`${minimum} or more`);
  if (exclusiveMinimum !== undefined) parts.push(`above ${exclusiveMinimum}`);
  if (maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER) parts.push(`at most ${maximum}`);
  if (exclusiveMaximum !== undefined) parts.push(`below ${exclusiveMaximum}`);
  return parts.length === 0 ? '' : `, ${parts.join(' and ')}`;
}

/** What an option takes, in words: `a whole number, 1 or more`. */
export function wantedBy(property: OptionProperty): string {
  const { json, facts } = property;
  if (facts.wanted !== undefined) return facts.wanted;
  const choices = choicesOf(property);
  if (choices) return `one of ${choices.join(', ')}`;
  switch (json.type) {
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `a whole number${bounds(json)}`;
    case 'number':
      return `a number${bounds(json)}`;
    default:
      return facts.path ? 'a path' : 'text';
  }
}

/** The default in words, if there is one. */
export function defaultOf({ json, facts }: OptionProperty): string | undefined {
  if (facts.defaultText !== undefined) return facts.defaultText;
  if (json.default === undefined || json.type === 'boolean') return undefined;
  return typeof json.default === 'string' ? json.default : JSON.stringify(json.default);
}
