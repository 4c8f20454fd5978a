import path from 'node:path';
import { DskdError } from '@dskd/base';
import { FolderSink } from './folder.js';
import { MqttSink } from './mqtt.js';
import type { Sink } from './sink.js';
import { StdoutSink } from './stdout.js';
import { WebhookSink } from './webhook.js';

export interface SinkSecrets {
  /** Of all webhooks: at least 16 characters, or `whsec_` and base64. */
  readonly webhook?: string | undefined;
  /** For MQTT, where the address has none. */
  readonly mqttUser?: string | undefined;
  readonly mqttPassword?: string | undefined;
}

const WANTED = 'wanted stdout, folder:DIR, https://HOST/PATH (a webhook), or mqtt://HOST/TOPIC';

function refused(got: string, why: string, hint: string): DskdError {
  return new DskdError('invalid-argument', `Got the sink ${JSON.stringify(got)}: ${why}; ${WANTED}.`, {
    hint,
    details: { got },
  });
}

function mqttSink(address: string, url: URL, { mqttUser, mqttPassword }: SinkSecrets): MqttSink {
  const topic = decodeURIComponent(url.pathname.slice(1));
  if (topic === '')
    throw refused(address, 'it has no topic', 'For example mqtt://localhost:1883/dskd/alarms.');
  if (/[+#\0]/.test(topic))
    throw refused(
      address,
      `the topic ${topic} has a wildcard`,
      'Alarms are published to one topic, without + and #.',
    );
  const { username, password } = url;
  return new MqttSink(`${url.protocol}//${url.host}`, topic, {
    user: username === '' ? mqttUser : decodeURIComponent(username),
    password: password === '' ? mqttPassword : decodeURIComponent(password),
  });
}

/**
 * Makes a sink of its address. Opens nothing yet.
 * @param address `stdout`, `folder:DIR`, `http://…` or `https://…` for a webhook, `mqtt://HOST:PORT/TOPIC` or `mqtts://…`.
 * @throws {DskdError} `invalid-argument`
 */
export function parseSink(address: string, secrets: SinkSecrets = {}): Sink {
  if (address === 'stdout' || address === 'stdout:' || address === '-') return new StdoutSink();
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]+):(.*)$/is.exec(address) ?? [];
  if (scheme === undefined || rest === undefined)
    throw refused(address, 'it has no scheme', `A folder is folder:${address}.`);
  if (rest === '' || rest === '//')
    throw refused(address, 'nothing is after the scheme', 'Say where alarms go.');
  const name = scheme.toLowerCase();
  if (name === 'folder') return new FolderSink(path.normalize(rest));
  if (!['http', 'https', 'mqtt', 'mqtts'].includes(name))
    throw refused(address, `the scheme ${scheme} is not known`, 'A webhook or a broker can pass alarms on.');
  if (!URL.canParse(address))
    throw refused(address, 'it is no URL', 'For example https://line.example.com/alarms.');
  const url = new URL(address);
  return name.startsWith('http') ? new WebhookSink(url, secrets.webhook) : mqttSink(address, url, secrets);
}
