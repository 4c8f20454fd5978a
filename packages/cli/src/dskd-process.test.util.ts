import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { main } from './main.js';

export const BIN = fileURLToPath(new URL('../bin/dskd.js', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SpawnOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Options of node itself. */
  readonly node?: readonly string[];
  /** Called once, when the process runs. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** Starts the real command in a separate process. None of its streams is a terminal. */
export function spawnDskd(
  args: readonly string[],
  { cwd, env, node = [], onStart }: SpawnOptions = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...node, BIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: undefined, FORCE_COLOR: undefined, ...env },
      ...(cwd !== undefined && { cwd }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('close', (code) => {
      resolve({ code, stdout, stderr });
    });
    onStart?.(child);
  });
}

/** Runs the command in this process, for tests that do not need a separate one: saves the start of Node and tfjs. */
export async function dskd(...args: string[]): Promise<Outcome> {
  const { result, ...output } = await capture(() => main([process.execPath, BIN, ...args]));
  return { code: result, ...output };
}

/** Captures what `work` writes to the standard streams. */
export async function capture<T>(
  work: () => T | Promise<T>,
): Promise<{ readonly result: T; readonly stdout: string; readonly stderr: string }> {
  const out = captured(process.stdout);
  const err = captured(process.stderr);
  try {
    const result = await work();
    return { result, stdout: out.text(), stderr: err.text() };
  } finally {
    out.restore();
    err.restore();
  }
}

function captured(stream: NodeJS.WriteStream): { text(): string; restore(): void } {
  // oxlint-disable-next-line typescript/unbound-method -- put back as it was
  const { write } = stream;
  let text = '';
  stream.write = (chunk: string | Uint8Array): boolean => {
    text += String(chunk);
    return true;
  };
  return { text: () => text, restore: () => (stream.write = write) };
}

export const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
