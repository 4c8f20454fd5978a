import type { JsonObject } from './contract.js';

/** A copy as a file or a checkpoint keeps it: plain JSON, without what is undefined. */
export function asJson<T extends object>(value: T): T & JsonObject {
  return JSON.parse(JSON.stringify(value)) as T & JsonObject;
}
