import { parseSource } from './address.js';
import { TRIAL } from './taken.test.util.js';

test.each([
  ['camera', 'it has no scheme'],
  ['/dev/video0', 'it has no scheme'],
  ['incoming', 'wanted folder:DIR, rtsp://HOST/PATH'],
  ['folder:', 'nothing is after the scheme'],
  ['rtsp://', 'nothing is after the scheme'],
  ['ftp://a/b', 'the scheme ftp is not known'],
  ['rtsp://a b/c', 'it is no URL'],
])('the source %j is refused', (address, message) => {
  expect(() => parseSource(address)).toThrow(message);
});

test('wrong rates are refused', () => {
  expect(() => parseSource(TRIAL, { fps: 0 })).toThrow('Got fps 0');
  expect(() => parseSource('folder:a', { fps: 2 })).toThrow('for a folder');
});
