import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { connect, type MqttClient } from 'mqtt';
import { kill, MOSQUITTO, start, until } from './real-components.test.util.js';

/** A real broker, which keeps sessions on disk as they change: it is killed in tests. */
export class Broker {
  readonly url: string;
  readonly #config: string;
  #child: ReturnType<typeof start> | undefined;

  private constructor(port: number, config: string) {
    this.url = `mqtt://127.0.0.1:${port}`;
    this.#config = config;
  }

  static async make(
    folder: string,
    port: number,
    lines: readonly string[] = ['allow_anonymous true'],
  ): Promise<Broker> {
    const config = path.join(folder, 'mosquitto.conf');
    await writeFile(
      config,
      [
        `listener ${port} 127.0.0.1`,
        ...lines,
        'persistence true',
        `persistence_location ${folder}/`,
        'autosave_on_changes true',
        'autosave_interval 1',
        'log_type error',
        // As root it would become another user, who may not write there.
        'user root',
        '',
      ].join('\n'),
    );
    return new Broker(port, config);
  }

  start(): void {
    this.#child = start(MOSQUITTO, ['-c', this.#config]);
  }

  async kill(): Promise<void> {
    if (this.#child) await kill(this.#child);
  }
}

/** A subscriber whose session the broker keeps, and the ids that it got. */
export class Subscriber {
  readonly ids: string[] = [];
  readonly #client: MqttClient;

  constructor(url: string, topic: string) {
    this.#client = connect(url, { clientId: 'subscriber', clean: false, reconnectPeriod: 50 });
    this.#client.on('error', () => undefined);
    this.#client.on('connect', () => this.#client.subscribe(topic, { qos: 1 }));
    this.#client.on('message', (_, payload) => {
      this.ids.push((JSON.parse(payload.toString()) as { id: string }).id);
    });
  }

  /** Resolves when the broker has taken the subscription. */
  async subscribed(): Promise<void> {
    let isTaken = false;
    this.#client.on('packetreceive', ({ cmd }) => (isTaken ||= cmd === 'suback'));
    await until(() => isTaken, 'the subscription');
  }

  async end(): Promise<void> {
    await this.#client.endAsync(true);
  }
}

/** Without repetitions of one that is already there. */
export const withoutDuplicates = (ids: readonly string[]): string[] => [...new Set(ids)];
