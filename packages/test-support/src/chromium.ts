import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const CHROMIUM = '/usr/bin/chromium';

/** Why Chromium cannot be used for tests; undefined if it can. */
export const chromiumMissing = existsSync(CHROMIUM) ? undefined : `there is no ${CHROMIUM}`;

export interface Chromium {
  readonly process: ChildProcess;
  /** Ends the browser and removes its profile. */
  close(): Promise<void>;
}

/** Starts headless Chromium with a temporary profile. */
export async function startChromium(options: readonly string[], stdio: StdioOptions): Promise<Chromium> {
  const profile = await mkdtemp(path.join(tmpdir(), 'dskd-chromium-'));
  const common = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
  ];
  const browser = spawn(CHROMIUM, [...common, `--user-data-dir=${profile}`, ...options], { stdio });
  const ended = new Promise<void>((resolve) => browser.once('close', () => resolve()));
  return {
    process: browser,
    async close() {
      browser.kill('SIGKILL');
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}
