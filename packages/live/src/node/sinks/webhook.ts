import { createHmac } from 'node:crypto';
import { DskdError } from '@dskd/base';
import type { Alarm } from '../alarm.js';
import { reasonOf } from '../reason.js';
import { deliveryFailed, type Sink } from './sink.js';

/** Shorter ones can be guessed. */
const SHORTEST_SECRET = 16;
const PREFIX = 'whsec_';

/**
 * The key of signatures.
 * @param secret as Standard Webhooks writes it, `whsec_` and base64; or any other text, whose bytes are the key.
 * @throws {DskdError} `invalid-argument`
 */
function keyOf(secret: string | undefined): Buffer {
  const key = secret?.startsWith(PREFIX)
    ? Buffer.from(secret.slice(PREFIX.length), 'base64')
    : Buffer.from(secret ?? '', 'utf8');
  if (key.length >= SHORTEST_SECRET) return key;
  throw new DskdError(
    'invalid-argument',
    `Got ${secret === undefined ? 'no secret' : `a secret of ${key.length} bytes`} for a webhook, wanted at least ${SHORTEST_SECRET} bytes.`,
    {
      hint: 'Alarms are signed, so that the receiver knows who sent them: openssl rand -hex 32 makes a secret.',
    },
  );
}

/** The pause that an answer asks for, in milliseconds. */
function retryAfter(response: Response): number | undefined {
  const text = response.headers.get('retry-after');
  if (text === null) return undefined;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return seconds > 0 ? seconds * 1000 : undefined;
}

/** The receiver is slow, too early or busy: it may take the same request later. */
const LATER = new Set([408, 425, 429]);

/** Whether an answer says that the same request will never be taken. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && !LATER.has(status);
}

/**
 * Sends each alarm as JSON in a POST request that is signed as Standard Webhooks says: `webhook-id`, `webhook-timestamp` and
 * `webhook-signature`. `Idempotency-Key` has the id of the alarm, too.
 */
export class WebhookSink implements Sink {
  readonly name: string;
  readonly isSpooled = true;
  readonly wantsImage = false;
  readonly #url: string;
  readonly #key: Buffer;

  /** @throws {DskdError} `invalid-argument` */
  constructor(url: URL, secret: string | undefined) {
    if (url.username !== '' || url.password !== '') {
      throw new DskdError('invalid-argument', 'Got a webhook with a user or a password in its address.', {
        hint: 'Leave them out: the receiver knows the sender by the signature.',
      });
    }
    this.#url = url.href;
    // A query often holds a token.
    this.name = `${url.origin}${url.pathname}`;
    this.#key = keyOf(secret);
  }

  async deliver({ event }: Alarm, signal: AbortSignal): Promise<void> {
    const body = JSON.stringify(event);
    // Of this attempt: a receiver refuses old ones.
    const timestamp = Math.floor(Date.now() / 1000);
    const signed = createHmac('sha256', this.#key)
      .update(`${event.id}.${timestamp}.${body}`)
      .digest('base64');
    const response = await fetch(this.#url, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'idempotency-key': event.id,
        'webhook-id': event.id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': `v1,${signed}`,
      },
      // The other place was not named by who runs this.
      redirect: 'manual',
      signal,
    }).catch((cause: unknown) => {
      throw deliveryFailed(this.name, reasonOf(cause), { cause });
    });
    await response.body?.cancel();
    if (response.ok) return;
    const { status } = response;
    const reason = `it answered ${status}`;
    if (!isRefusal(status)) throw deliveryFailed(this.name, reason, { retryMs: retryAfter(response) });
    throw deliveryFailed(this.name, reason, {
      isRefused: true,
      hint: 'The receiver refuses this alarm. Check its address and the secret, then deliver it again: --retry-refused.',
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
