import { describeNetworkError } from './download.js';

const URL_OF_FILE = 'https://example.org/file.pth';
const fetchFailed = (code: string): Error =>
  new TypeError('fetch failed', { cause: Object.assign(new Error('inner'), { code }) });

test.each([
  ['ENOTFOUND', 'unreachable', 'example.org cannot be reached from here (ENOTFOUND)'],
  ['EAI_AGAIN', 'unreachable', 'example.org cannot be reached'],
  ['UND_ERR_CONNECT_TIMEOUT', 'unreachable', 'example.org cannot be reached'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'final', 'the certificate of example.org is not trusted here'],
  ['CERT_HAS_EXPIRED', 'final', 'not trusted here'],
  ['ECONNRESET', 'transient', 'the connection to example.org broke (ECONNRESET)'],
])('%s is %s', (code, kind, message) => {
  const failure = describeNetworkError(fetchFailed(code), URL_OF_FILE);
  expect(failure.kind).toBe(kind);
  expect(failure.message).toContain(message);
});

test('without a code, the reason is the message of the error', () => {
  expect(describeNetworkError(new TypeError('terminated'), URL_OF_FILE)).toMatchObject({
    kind: 'transient',
    message: 'the connection to example.org broke (terminated)',
  });
});
