import { createHash, timingSafeEqual } from 'node:crypto';
import { DskdError } from '@dskd/base';
import type { MiddlewareHandler } from 'hono';
import type { AppEnvironment } from './environment.js';

/** Routes of probes and of the documentation tell nothing about models or images. */
const OPEN = new Set([
  '/live',
  '/ready',
  '/v2/health/live',
  '/v2/health/ready',
  '/openapi.json',
  '/docs',
  '/docs/page.js',
  '/docs/swagger-ui.css',
  '/docs/swagger-ui-bundle.js',
]);

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Lets in who has the token: `Authorization: Bearer TOKEN`.
 * @param token undefined lets everybody in.
 */
export function authorized(token: string | undefined): MiddlewareHandler<AppEnvironment> {
  const wanted = token === undefined ? undefined : digest(token);
  return async (c, next) => {
    if (wanted && !OPEN.has(c.req.path)) {
      const given = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
      // Digests have one length, and the time tells nothing about them.
      if (given === undefined || !timingSafeEqual(digest(given), wanted)) {
        c.header('WWW-Authenticate', 'Bearer');
        throw new DskdError(
          'unauthorized',
          given === undefined ? 'Got no token.' : 'Got a token that is not the one of this server.',
          { hint: 'Send the header Authorization: Bearer TOKEN.' },
        );
      }
    }
    await next();
  };
}

/** @throws {DskdError} `invalid-argument` */
export function assertAllowed(isAllowed: boolean, what: string, option: string): void {
  if (isAllowed) return;
  throw new DskdError('invalid-argument', `This server does not ${what}.`, {
    hint: `It was started without the option ${option}.`,
  });
}
