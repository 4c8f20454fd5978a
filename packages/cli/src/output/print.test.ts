import { colored, wantsColor } from './print.js';

const terminal = { isTTY: true };
const pipe = {};

test.each([
  ['a terminal', terminal, {}, true],
  ['a pipe', pipe, {}, false],
  ['a dumb terminal', terminal, { TERM: 'dumb' }, false],
  ['NO_COLOR on a terminal', terminal, { NO_COLOR: '1' }, false],
  ['an empty NO_COLOR', terminal, { NO_COLOR: '' }, true],
  ['FORCE_COLOR on a pipe', pipe, { FORCE_COLOR: '1' }, true],
  ['FORCE_COLOR=0 on a terminal', terminal, { FORCE_COLOR: '0' }, false],
  ['NO_COLOR against FORCE_COLOR', terminal, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
])('%s', (_, stream, environment, wanted) => {
  expect(wantsColor(stream, environment)).toBe(wanted);
});

test('a style begins and ends, or is absent', () => {
  expect(colored('dskd:', 'red', terminal, {})).toBe('\x1b[31mdskd:\x1b[39m');
  expect(colored('dskd:', 'red', terminal, { NO_COLOR: '1' })).toBe('dskd:');
});
