import { commandOf, readSettings, USAGE } from './settings.js';

test('without options, what the usage says', () => {
  const settings = readSettings([])!;
  expect(commandOf(settings)).toBe('npm run demo');
  const { out, category, seed, dataSeed, epochs, train, validation, test: tests } = settings;
  const stated = [...USAGE.matchAll(/\((\S+)\)$/gm)].map(([, value]) => value);
  expect([out, category, seed, dataSeed, epochs, train, validation, tests].map(String)).toEqual(stated);
});

test('the command says what was asked for', () => {
  const settings = readSettings(['--seed', '3', '--category', 'bag'])!;
  expect(settings).toMatchObject({ seed: 3, category: 'bag' });
  expect(commandOf(settings)).toBe('npm run demo -- --category bag --seed 3');
});

test.each([
  [['--epochs', '0'], '--epochs: got 0, wanted a whole number from 1.'],
  [['--seed', 'x'], '--seed: got x, wanted a whole number from 0.'],
  [['--category', 'cat'], '--category: got cat, wanted one of tray, box, bag, harness, flask.'],
  [['--sed', '1'], "Unknown option '--sed'"],
])('%j is refused', (commandLine, message) => {
  expect(() => readSettings(commandLine)).toThrow(message);
});

test('--help gives no settings', () => {
  expect(readSettings(['--help'])).toBeNull();
});
