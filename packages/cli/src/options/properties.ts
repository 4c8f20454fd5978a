import { z } from 'zod';
import { factsOf, type OptionFacts } from './option.js';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** One option as everything that is made from the schema sees it. */
export interface OptionProperty {
  /** As in a config file: `learningRate`. */
  readonly key: string;
  /** As on the command line: `--learning-rate`. */
  readonly flag: string;
  /** What zod says of the values it takes. */
  readonly json: JsonSchema;
  readonly facts: OptionFacts;
  readonly required: boolean;
}

export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`;
}

/** JSON Schema of what a user may write, before defaults and transforms. */
export function inputSchema(schema: z.ZodObject): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', target: 'draft-07' });
}

export function propertiesOf(schema: z.ZodObject): OptionProperty[] {
  const { properties = {}, required = [] } = inputSchema(schema);
  const shape: Record<string, z.core.$ZodType> = schema.shape;
  return Object.entries(shape).map(([key, type]) => ({
    key,
    flag: flagOf(key),
    json: properties[key] as JsonSchema,
    facts: factsOf(type),
    required: required.includes(key),
  }));
}
