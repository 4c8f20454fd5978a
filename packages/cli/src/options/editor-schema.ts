import type { z } from 'zod';
import { factsOf } from './option.js';
import { inputSchema, type JsonSchema } from './properties.js';

/** JSON Schema of a command's config file, for completion and checks in an editor. */
export function editorSchema(command: string, schema: z.ZodObject): JsonSchema {
  const { properties = {}, $schema } = inputSchema(schema);
  const shape: Record<string, z.core.$ZodType> = schema.shape;
  const inFile = Object.entries(properties).filter(([key]) => !factsOf(shape[key]!).flagOnly);
  return {
    $schema,
    title: `Options of dskd ${command}`,
    type: 'object',
    properties: { $schema: { type: 'string' }, ...Object.fromEntries(inFile) },
    additionalProperties: false,
  };
}
