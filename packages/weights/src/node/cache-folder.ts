import os from 'node:os';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { type DownloadSource, findWeights } from '../registry/index.js';

/**
 * Returns the absolute path of the cache folder: `DSKD_CACHE`, else `dskd` in `XDG_CACHE_HOME`, else the default of the
 * platform (`~/.cache/dskd`, `~/Library/Caches/dskd` or `%LOCALAPPDATA%\dskd\Cache`).
 */
export function defaultCacheFolder(
  { DSKD_CACHE, XDG_CACHE_HOME, LOCALAPPDATA }: NodeJS.ProcessEnv = process.env,
  platform = process.platform,
  home = os.homedir(),
): string {
  if (DSKD_CACHE) return path.resolve(DSKD_CACHE);
  // The XDG specification says to ignore relative paths.
  if (XDG_CACHE_HOME && path.isAbsolute(XDG_CACHE_HOME)) return path.join(XDG_CACHE_HOME, 'dskd');
  if (platform === 'darwin') return path.join(home, 'Library', 'Caches', 'dskd');
  if (platform !== 'win32') return path.join(home, '.cache', 'dskd');
  return path.join(LOCALAPPDATA || path.join(home, 'AppData', 'Local'), 'dskd', 'Cache');
}

/**
 * Returns the path at which {@link pullWeights} stores the file. The file need not exist.
 * @param nameOrSource name in the registry, or a custom source
 * @throws {DskdError} `invalid-argument` for an unknown name or an invalid source
 */
export function weightsPath(
  nameOrSource: string | DownloadSource,
  { cacheFolder = defaultCacheFolder() }: { readonly cacheFolder?: string } = {},
): string {
  return path.join(path.resolve(cacheFolder), 'weights', resolveSource(nameOrSource).file);
}

function check(isValid: boolean, what: string, value: string, expected: string): void {
  if (isValid) return;
  throw new DskdError('invalid-argument', `The ${what} is '${value}'; expected ${expected}.`);
}

const isHttpUrl = (url: string): boolean => /^https?:/i.test(url) && URL.canParse(url);

/**
 * Returns the registry entry of a name, or the custom source after validation.
 * @throws {DskdError} `invalid-argument` for an unknown name or an invalid field
 */
export function resolveSource(nameOrSource: string | DownloadSource): DownloadSource {
  if (typeof nameOrSource === 'string') return findWeights(nameOrSource);
  const { name, url, file, sha256 } = nameOrSource;
  check(isHttpUrl(url), `URL of ${name}`, url, 'an http: or https: URL');
  // The file name must not lead out of the cache folder, and a tilde separates the names of part files.
  check(/^\w[\w.-]*$/.test(file), `file of ${name}`, file, 'a plain file name');
  const isDigest = /^[0-9a-f]{8,64}$/.test(sha256);
  check(isDigest, `SHA-256 of ${name}`, sha256, '8 to 64 lower-case hexadecimal digits');
  return nameOrSource;
}

/**
 * Returns the URL to download from: that of the source or, with a mirror, `MIRROR/FILE`.
 * @throws {DskdError} `invalid-argument` if the mirror is not an http(s) URL
 */
export function mirroredUrl({ url, file }: DownloadSource, mirror: string | undefined): string {
  if (!mirror) return url;
  check(isHttpUrl(mirror), 'mirror', mirror, 'an http: or https: URL');
  const base = new URL(mirror);
  base.pathname = `${base.pathname.replace(/\/+$/, '')}/${file}`;
  return base.href;
}
