/** Nobody answered: no network, no such host, nothing listening. */
const UNREACHABLE = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Why one try at a download ended. `transient`: another try may do better; `unreachable`: only if the server
 * was reached before; `final`: never.
 */
export class TransferFailure extends Error {
  readonly kind: 'transient' | 'unreachable' | 'final';

  constructor(kind: TransferFailure['kind'], reason: string, cause?: unknown) {
    super(reason, { cause });
    this.kind = kind;
  }
}

interface Thrown {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
}

const isThrown = (value: unknown): value is Thrown => typeof value === 'object' && value !== null;

/** The system's or the HTTP client's code of what `fetch` throws: it stands in the cause. */
function codeOf(error: unknown): string | undefined {
  for (let current = error; isThrown(current); current = current.cause) {
    if (typeof current.code === 'string') return current.code;
  }
  return undefined;
}

/** What `fetch`, or reading its body, threw. */
export function describeNetworkError(error: unknown, url: string): TransferFailure {
  const code = codeOf(error) ?? '';
  const { host } = new URL(url);
  if (UNREACHABLE.has(code)) {
    return new TransferFailure('unreachable', `${host} cannot be reached from here (${code})`, error);
  }
  if (/CERT|SELF_SIGNED|VERIFY/.test(code)) {
    return new TransferFailure('final', `the certificate of ${host} is not trusted here (${code})`, error);
  }
  const detail = code || (isThrown(error) ? String(error.message) : 'for no known reason');
  return new TransferFailure('transient', `the connection to ${host} broke (${detail})`, error);
}

const TRANSIENT_STATUS = new Set([408, 425, 429]);

/** An answer that is neither the file nor a part of it. */
export function describeStatus({ status, statusText }: Response): TransferFailure {
  const said = `${status} ${statusText}`.trim();
  if (status >= 500 || TRANSIENT_STATUS.has(status)) {
    return new TransferFailure('transient', `the server failed (${said})`);
  }
  if (status === 404 || status === 410) {
    return new TransferFailure('final', `the server has no such file (${said})`);
  }
  return new TransferFailure('final', `the server refused (${said})`);
}
