import { DskdError } from '@dskd/base';
import type { Log } from './observe.js';

export interface AppOptions {
  /** Who does not send it is refused, except by probes and the documentation. Default: everybody is let in. */
  readonly token?: string;
  /** Origins of pages that may call the server: `https://line.example.com`. Default none. */
  readonly corsOrigins?: readonly string[];
  /** Hosts of URLs of images that are read: `images.example.com`, or with a port. Default none. */
  readonly imageHosts?: readonly string[];
  /** Whether these hosts may be in a private network, or this machine. Default false. */
  readonly privateImageHosts?: boolean;
  /** Whether `POST /v1/models/M/feedback` teaches models and writes their files. Default false. */
  readonly feedback?: boolean;
  /** Whether models can be loaded and unloaded, and their thresholds set. Default false. */
  readonly control?: boolean;
  /** Most bytes of a body. Default 32 MiB. */
  readonly maxBody?: number;
  /** Most bodies that arrive at a time. Default 64. */
  readonly uploads?: number;
  /** Longest time for a body to arrive, in milliseconds. Default 20,000. */
  readonly uploadTimeout?: number;
  /** Longest time from the body to the answer, in milliseconds. Default 30,000. */
  readonly timeout?: number;
  /** Takes the lines of the log. Default: pino, which writes JSON to standard output. */
  readonly log?: Log;
}

export type ResolvedOptions = Required<Omit<AppOptions, 'token' | 'log'>>;

const DEFAULTS: ResolvedOptions = {
  corsOrigins: [],
  imageHosts: [],
  privateImageHosts: false,
  feedback: false,
  control: false,
  maxBody: 32 * 2 ** 20,
  uploads: 64,
  uploadTimeout: 20_000,
  timeout: 30_000,
};

function assertPositive(options: ResolvedOptions): void {
  for (const name of ['maxBody', 'uploads', 'uploadTimeout', 'timeout'] as const) {
    const value = options[name];
    if (Number.isFinite(value) && value > 0) continue;
    throw new DskdError('invalid-argument', `Got ${name} ${String(value)}, wanted a positive number.`, {
      hint: `Leave ${name} out for its default, ${DEFAULTS[name]}.`,
    });
  }
}

/** Options without those that are undefined, over the defaults. @throws {DskdError} `invalid-argument` */
export function resolveOptions(options: AppOptions): ResolvedOptions {
  const given = Object.entries(options).filter(
    ([key, value]) => value !== undefined && Object.hasOwn(DEFAULTS, key),
  );
  const all: ResolvedOptions = { ...DEFAULTS, ...Object.fromEntries(given) };
  assertPositive(all);
  return all;
}
