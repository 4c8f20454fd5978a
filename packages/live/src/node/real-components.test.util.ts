import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';

function missing(program: string, flag: string): string | undefined {
  const { error } = spawnSync(program, [flag], { timeout: 10_000 });
  return error ? `there is no program ${program} (${error.message})` : undefined;
}

/** Why a real program cannot be used for tests; undefined if it can. Debian has it in /usr/sbin, which not every PATH has. */
export const MOSQUITTO = missing('mosquitto', '-h') === undefined ? 'mosquitto' : '/usr/sbin/mosquitto';
export const mosquittoMissing = missing(MOSQUITTO, '-h');
export const ffmpegMissing = missing('ffmpeg', '-version');

/** `test` where the programs are there; otherwise prints why not, and skips. */
export function testWith(what: string, ...reasons: readonly (string | undefined)[]): jest.It {
  const reason = reasons.find((each) => each !== undefined);
  if (reason === undefined) return test;
  console.log(`SKIPPED ${what}: ${reason}`);
  return test.skip;
}

export const later = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until something holds. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 10_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`Waited ${limitMs} ms for ${what}.`);
    await later(10);
  }
}

/** A port of this machine that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Ids of the processes of a program that a process has started. Linux only. */
export function childrenNamed(name: string, parent: number = process.pid): number[] {
  return readdirSync(`/proc/${parent}/task`)
    .flatMap((thread) => readFileSync(`/proc/${parent}/task/${thread}/children`, 'utf8').split(' '))
    .map(Number)
    .filter((id) => id > 0 && nameOf(id) === name);
}

function nameOf(id: number): string | undefined {
  try {
    return readFileSync(`/proc/${id}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Programs that were started by {@link start} and still run. */
const running = new Set<ChildProcess>();

/** Starts a program that {@link endAll} ends. */
export function start(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { stdio: 'ignore' });
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await ended;
}

/** Call it after each test. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map(kill));
}
