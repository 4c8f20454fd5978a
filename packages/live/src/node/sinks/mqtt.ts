import { connect, type MqttClient } from 'mqtt';
import type { Alarm } from '../alarm.js';
import { reasonOf } from '../reason.js';
import { deliveryFailed, type Sink } from './sink.js';

export interface MqttLogin {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

/** How long a broker may take to accept a connection, in milliseconds. */
const CONNECT_MS = 10_000;
const CLOSED = 'the connection was closed';

/**
 * Publishes each alarm as JSON with QoS 1: it is delivered when the broker has acknowledged it. A connection that fails is not used
 * again: the client of the library would keep what it has not sent, and send it beside what is tried again.
 */
export class MqttSink implements Sink {
  readonly name: string;
  readonly isSpooled = true;
  readonly wantsImage = false;
  readonly #broker: string;
  readonly #topic: string;
  readonly #login: MqttLogin;
  #client: MqttClient | undefined;

  /** @param broker `mqtt://host:1883` or `mqtts://`, without user and password. */
  constructor(broker: string, topic: string, login: MqttLogin) {
    this.name = `${broker}/${topic}`;
    this.#broker = broker;
    this.#topic = topic;
    this.#login = login;
  }

  async deliver({ event }: Alarm, signal: AbortSignal): Promise<void> {
    let giveUp = (): void => undefined;
    const aborted = new Promise<never>((_, reject) => {
      giveUp = () => reject(new Error('it took too long'));
      if (signal.aborted) giveUp();
      signal.addEventListener('abort', giveUp, { once: true });
    });
    const published = this.#publish(JSON.stringify(event));
    // Where it is given up, nobody waits for it any more.
    published.catch(() => undefined);
    try {
      await Promise.race([published, aborted]);
    } catch (cause) {
      await this.close();
      throw deliveryFailed(this.name, reasonOf(cause), { cause });
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  async #publish(message: string): Promise<void> {
    const client = this.#client ?? (await this.#connect());
    if (!client.connected) throw new Error(CLOSED);
    let lose = (): void => undefined;
    const lost = new Promise<never>((_, reject) => (lose = () => reject(new Error(CLOSED))));
    client.once('close', lose);
    try {
      await Promise.race([client.publishAsync(this.#topic, message, { qos: 1 }), lost]);
    } finally {
      client.off('close', lose);
    }
  }

  async #connect(): Promise<MqttClient> {
    const { user, password } = this.#login;
    const client = connect(this.#broker, {
      reconnectPeriod: 0,
      connectTimeout: CONNECT_MS,
      ...(user !== undefined && { username: user }),
      ...(password !== undefined && { password }),
    });
    // Known at once, so that `close` also ends one that is still connecting.
    this.#client = client;
    // A connection that fails between two alarms is noticed by the next one.
    client.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error(CLOSED)));
    });
    return client;
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (!client) return;
    // What is closed already never tells that it has ended.
    if (client.connected) await client.endAsync(true);
    else client.end(true);
  }
}
