import type { HttpBindings } from '@hono/node-server';
import type { RequestIdVariables } from 'hono/request-id';

/** What handlers find in a request. */
export interface AppEnvironment {
  Bindings: Partial<HttpBindings>;
  Variables: RequestIdVariables & {
    /** The error that the answer tells. */
    failure: unknown;
    /** More fields of the request's line in the log. */
    facts: Readonly<Record<string, unknown>>;
  };
}
