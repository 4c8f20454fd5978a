import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const SERVER = '/usr/bin/redis-server';

/** Why Redis cannot be used for tests; undefined if it can. */
export const redisMissing = existsSync(SERVER) ? undefined : `there is no ${SERVER}`;

export interface Redis {
  readonly port: number;
  /** `redis://127.0.0.1:PORT` */
  readonly url: string;
  /** Ends it, SIGKILL by default, and keeps its folder. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again, on the same port and folder. */
  start(): Promise<void>;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

export interface RedisOptions {
  /** Options of redis-server. Default: those that a queue wants. */
  readonly options?: readonly string[];
  /** A command that runs it: `['ip', 'netns', 'exec', NAME]`. */
  readonly within?: readonly string[];
  /** Address that it listens on. Default: 127.0.0.1. */
  readonly host?: string;
  readonly port?: number;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(host: string, port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, host, () => socket.end(() => resolve(true)));
      socket.on('error', () => resolve(false)).setTimeout(1000, () => socket.destroy());
    });
    if (isUp) return;
    await pause(50);
  }
  throw new Error(`Redis does not answer on ${host}:${port}.`);
}

const KEEPS_JOBS = ['--appendonly', 'yes', '--maxmemory-policy', 'noeviction'];

/** Starts a Redis of its own on a free port, with a temporary folder. */
export async function startRedis({
  options = KEEPS_JOBS,
  within = [],
  host = '127.0.0.1',
  port: given,
}: RedisOptions = {}): Promise<Redis> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dskd-redis-'));
  const port = given ?? (await freePort());
  let end: (signal: NodeJS.Signals) => Promise<void> = () => Promise.resolve();
  const start = async (): Promise<void> => {
    const listening = ['--bind', host, '--port', String(port), '--protected-mode', 'no'];
    const [command, ...args] = [...within, SERVER, ...listening, '--dir', folder, '--save', '', ...options];
    const child = spawn(command!, args, { stdio: 'ignore' });
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    end = async (signal) => {
      child.kill(signal);
      await ended;
    };
    await answers(host, port);
  };
  const stop = (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => end(signal);
  await start();
  return {
    port,
    url: `redis://${host}:${port}`,
    start,
    stop,
    async close() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
