import { DskdError } from '@dskd/base';
import type { Teacher } from '@dskd/models';

/** @throws {DskdError} `invalid-argument` for a hash that no file could hold. */
export function assertSha256({ extractor, sha256 }: Teacher): void {
  if (/^[0-9a-f]{64}$/.test(sha256)) return;
  throw new DskdError(
    'invalid-argument',
    `Got teacher ${extractor.name} of SHA-256 '${sha256}'; wanted 64 hexadecimal digits, in lower case.`,
    { hint: 'Hash the files that the teacher was made of.' },
  );
}
