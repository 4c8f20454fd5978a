import { createHash } from 'node:crypto';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** JSON with sorted keys and without what is undefined: the same facts give the same text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: Json | undefined) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** 24 hexadecimal digits of the SHA-256 of what decides a result. */
export function identityOf(facts: unknown): string {
  return createHash('sha256').update(canonicalJson(facts)).digest('hex').slice(0, 24);
}
