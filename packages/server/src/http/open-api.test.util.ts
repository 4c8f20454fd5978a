import { Validator } from '@seriousme/openapi-schema-validator';

/** Checks a document against the schema of its version of OpenAPI. */
export async function validate(
  document: Record<string, unknown>,
): Promise<{ readonly valid: boolean; readonly errors: unknown }> {
  const { valid, errors } = await new Validator().validate(document);
  return { valid, errors };
}
