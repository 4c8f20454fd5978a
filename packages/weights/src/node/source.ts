import { DskdError } from '@dskd/base';
import { type DownloadSource, findWeights } from '../registry/index.js';

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}

/**
 * A registered entry by its name, or a source of the caller's once it is known to be sound.
 * @throws {DskdError} `invalid-argument`, naming what is wrong.
 */
export function resolveSource(nameOrSource: string | DownloadSource): DownloadSource {
  if (typeof nameOrSource === 'string') return findWeights(nameOrSource);
  const { name, url, file, sha256 } = nameOrSource;
  if (!isHttpUrl(url)) {
    throw new DskdError('invalid-argument', `The URL of ${name} is '${url}'; wanted http: or https:.`);
  }
  // It becomes part of a path: no way out of the cache folder, no hidden file.
  if (!/^\w[\w.-]*$/.test(file)) {
    throw new DskdError(
      'invalid-argument',
      `The file of ${name} is called '${file}'; wanted a plain file name.`,
    );
  }
  if (!/^[0-9a-f]{8,64}$/.test(sha256)) {
    throw new DskdError(
      'invalid-argument',
      `The SHA-256 of ${name} is '${sha256}'; wanted 8 to 64 lower-case hexadecimal digits.`,
    );
  }
  return nameOrSource;
}

/**
 * Where to download from: a mirror is a URL under which the files lie by their names in the cache.
 * @throws {DskdError} `invalid-argument` for a mirror that is not an http(s) URL.
 */
export function mirroredUrl({ url, file }: DownloadSource, mirror: string | undefined): string {
  if (!mirror) return url;
  if (!isHttpUrl(mirror)) {
    throw new DskdError('invalid-argument', `The mirror is '${mirror}'; wanted a URL with http: or https:.`);
  }
  const base = new URL(mirror);
  base.pathname = `${base.pathname.replace(/\/+$/, '')}/${file}`;
  return base.href;
}
