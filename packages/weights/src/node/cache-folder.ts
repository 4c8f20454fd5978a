import os from 'node:os';
import path from 'node:path';
import type { DownloadSource } from '../registry/index.js';
import { resolveSource } from './source.js';

export interface Machine {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
}

function thisMachine(): Machine {
  return { environment: process.env, platform: process.platform, home: os.homedir() };
}

/**
 * Where downloads are kept: the environment's `DSKD_CACHE`; else `dskd` in `XDG_CACHE_HOME`; else the
 * platform's usual place (`~/.cache/dskd`, `~/Library/Caches/dskd`, `%LOCALAPPDATA%\dskd\Cache`).
 */
export function defaultCacheFolder({ environment, platform, home }: Machine = thisMachine()): string {
  const { DSKD_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = environment;
  if (DSKD_CACHE) return path.resolve(DSKD_CACHE);
  // The specification has relative paths ignored.
  if (XDG_CACHE_HOME && path.isAbsolute(XDG_CACHE_HOME)) return path.join(XDG_CACHE_HOME, 'dskd');
  if (platform === 'darwin') return path.join(home, 'Library', 'Caches', 'dskd');
  if (platform === 'win32')
    return path.join(LOCALAPPDATA || path.join(home, 'AppData', 'Local'), 'dskd', 'Cache');
  return path.join(home, '.cache', 'dskd');
}

/**
 * Where {@link pullWeights} keeps the file of a registered name or of a source, there or not.
 * @throws {DskdError} `invalid-argument` for an unknown name or a source that is not sound.
 */
export function weightsPath(
  nameOrSource: string | DownloadSource,
  { cacheFolder = defaultCacheFolder() }: { readonly cacheFolder?: string } = {},
): string {
  return path.join(path.resolve(cacheFolder), 'weights', resolveSource(nameOrSource).file);
}
