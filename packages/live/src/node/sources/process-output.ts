import { spawn } from 'node:child_process';
import { DskdError } from '@dskd/base';

/** What is kept of what a program says on standard error: its last words. */
const KEPT_CHARACTERS = 2000;

export interface ProcessOutput {
  /** Standard output, as it comes. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Resolves when the program has ended: with undefined where it ended well, else with the reason. */
  readonly ended: Promise<string | undefined>;
  kill(): void;
}

/**
 * Starts a program whose output is read.
 * @throws {DskdError} `dependency-missing`, by `ended`, where there is no such program.
 */
export function startProcess(program: string, args: readonly string[], hint: string): ProcessOutput {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-KEPT_CHARACTERS);
  });
  const ended = new Promise<string | undefined>((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') return resolve(cause.message);
      reject(new DskdError('dependency-missing', `There is no program ${program}.`, { hint, cause }));
    });
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(undefined);
      const said = words.trim().split('\n').slice(-2).join(' ');
      resolve(`it ended with ${signal ?? `code ${code}`}${said === '' ? '' : `: ${said}`}`);
    });
  });
  // Told where it is awaited.
  ended.catch(() => undefined);
  return { chunks: child.stdout, ended, kill: () => child.kill('SIGKILL') };
}
