import { createHash } from 'node:crypto';
import { realpath, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DskdError } from '@dskd/base';

/**
 * A socket of the machine: it ends with its process, however that ends, so that nothing is left locked. On Linux it has a name without a
 * file; elsewhere the file of a process that was killed is left.
 */
function socketOf(folder: string): string {
  const name = `dskd-spool-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
  if (process.platform === 'linux') return `\0${name}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : path.join(tmpdir(), `${name}.sock`);
}

async function listening(socket: string): Promise<Server | undefined> {
  const server = createServer((client) => client.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(socket, () => resolve(server.unref()));
  });
}

/** Whether a process listens. */
function isAnswered(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(socket, () => {
      client.destroy();
      resolve(true);
    });
    client.once('error', () => resolve(false));
  });
}

/**
 * Takes a folder for this process alone, on this machine: two would deliver the same alarms.
 * @param folder that exists.
 * @returns gives it back.
 * @throws {DskdError} `invalid-argument` where another process has it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const socket = socketOf(await realpath(folder));
  let server = await listening(socket);
  if (!server && !(await isAnswered(socket))) {
    await rm(socket, { force: true });
    server = await listening(socket);
  }
  if (!server) {
    throw new DskdError('invalid-argument', `Got the spool ${folder}, which another process uses.`, {
      hint: 'Give each process a spool of its own, or end the other one.',
      details: { path: folder },
    });
  }
  const held = server;
  return () => new Promise((resolve) => held.close(() => resolve()));
}
