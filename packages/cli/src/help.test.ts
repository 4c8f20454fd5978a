import { COMMANDS } from './commands/index.js';
import { CONFIGURABLE } from './commands/init.js';
import { dskd } from './dskd-process.test.util.js';
import { EXIT_CODES } from './errors.js';
import { flagOf } from './options/option.js';

const listed = (text: string): string[] =>
  [...text.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag!);

test('dskd --help: one line per command, and the exit codes', async () => {
  const { code, stdout } = await dskd('--help');
  expect(code).toBe(0);
  const words = stdout.replace(/\s+/g, ' ');
  for (const [name, load] of Object.entries(COMMANDS))
    expect(words).toMatch(new RegExp(`\\b${name}\\b.* ${(await load()).summary}`));
  expect(words).toContain(EXIT_CODES);
});

test.each(Object.keys(COMMANDS))('dskd %s --help, dskd help %s', async (name) => {
  const asked = await dskd(name, '--help');
  expect(asked).toMatchObject({ code: 0, stderr: '' });
  expect(asked.stdout).toContain(`Usage: dskd ${name}`);
  expect((await dskd('help', name)).stdout).toBe(asked.stdout);
});

describe.each(Object.entries(CONFIGURABLE))('%s', (name, schema) => {
  test('--help is short, --help-all is complete', async () => {
    const short = listed((await dskd(name, '--help')).stdout);
    const all = listed((await dskd(name, '--help-all')).stdout);
    const options = Object.entries(schema);
    const main = options.filter(([, { facts }]) => facts.main).map(([key]) => flagOf(key));
    expect([...short].sort()).toEqual([...main, '--help-all', '--help'].sort());
    expect(short.length).toBeLessThan(all.length);
    const shown = options.map(([key, option]) =>
      option.schema.default === true ? flagOf(key).replace('--', '--no-') : flagOf(key),
    );
    expect([...all].sort()).toEqual([...shown, '--help-all', '--help'].sort());
  });
});

test('the long help gives choices, defaults and groups', async () => {
  const words = (await dskd('train', '--help-all')).stdout.replace(/\s+/g, ' ');
  expect(words).toContain('(nano, lite, paper; default nano)');
  expect(words).toContain('(default 0.005)');
  expect(words).toContain('Calibration:');
});

test('without a command: the help, and a usage error', async () => {
  const { code, stderr } = await dskd();
  expect(code).toBe(2);
  expect(stderr).toContain('Usage: dskd');
});

describe('usage errors', () => {
  test.each([
    [['nonsense'], "unknown command 'nonsense'", 'dskd --help'],
    [['trian'], "unknown command 'trian'", 'Did you mean train?'],
    [['train', '--epoch', '3'], "unknown option '--epoch'", 'Did you mean --epochs?'],
    [['train', '--gcb', 'full'], "unknown option '--gcb'", 'Did you mean --gccb?'],
    [['train', '--epochs'], "option '--epochs <n>' argument missing", 'dskd train --help'],
    [['train', 'extra'], 'Expected 0 arguments but got 1.', 'dskd train --help'],
    [['info'], "missing required argument 'model'", 'dskd info --help'],
    [['train'], '--data <dir> is missing: no images are given', '--good DIR... --bad DIR... --masks DIR'],
    [['check', 'a', '--good', 'b'], 'Got a together with --good, --bad or --masks', 'or give one dataset'],
    [['check', '--good', '.', '--bad', './'], 'Got the folder ./ as good and as bad', ''],
    [['train', '--size', 'large'], '--size: got "large", wanted pixels such as 256', 'dskd train --help-all'],
    [['train', '--data', 'x', '--teacher', 'resnet18'], '--weights FILE is missing', 'leave --teacher out'],
    [['train', '--data', 'x', '--teacher', 'resnet9000', '--weights', 'y'], 'resnet9000', ''],
    [['info', 'no such file'], 'Cannot read no such file', 'dskd train'],
    [['predict', 'model'], 'No images are given', '--watch DIR'],
    [['predict', 'no such model', 'x.png'], 'x.png', ''],
    [['predict', 'model', '--watch', 'a', '--out', './a'], 'to watch and to write', 'another folder'],
    [['init', 'info'], 'Got info, wanted one of train', 'config file'],
  ])('%j', async (args, message, hint) => {
    const human = await dskd(...args);
    expect(human.stderr).toContain(message);
    expect(human).toMatchObject({ code: 2, stdout: '' });
    expect(human.stderr).toContain(hint);
    expect(human.stderr).not.toMatch(/^\s+at /m);
    expect(human.stderr).not.toMatch(/\w\.\.$/m);

    const [command, ...rest] = args;
    const machine = await dskd(command!, '--json', ...rest);
    expect(machine).toMatchObject({ code: 2, stderr: '' });
    const line = JSON.parse(machine.stdout) as { type: string; code: string; message: string };
    expect(line).toMatchObject({ type: 'error', code: expect.any(String) as string });
    expect(line.message).toContain(message);
  });

  test('--debug adds the stack', async () => {
    const { stderr } = await dskd('info', 'no such file', '--debug');
    expect(stderr).toMatch(/^\s+at /m);
  });
});
