import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { commanderCommand, defineCommand } from './define-command.js';
import { boolean, choice, option, positiveInteger, text, type OptionValues } from './options/option.js';
import { configOption } from './options/shared.js';

const schema = {
  data: option(text().default('.'), 'images', { path: true }),
  epochs: option(positiveInteger().default(10), 'passes', { main: true }),
  preset: option(choice('lite', 'paper').default('lite'), 'size', { main: true }),
  workers: option(boolean().default(true), 'threads', { negative: 'one thread' }),
  early: option(boolean().default(false), 'stop early'),
  config: configOption,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd options ü-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the command and returns the options it received. */
async function run(...args: string[]): Promise<OptionValues<typeof schema>> {
  let received: OptionValues<typeof schema> | undefined;
  const definition = defineCommand({
    name: 'train',
    summary: 'train',
    options: schema,
    recipe: (given) => Promise.resolve(given.preset === 'paper' ? { epochs: 200, workers: false } : {}),
    run(options) {
      received = options;
      return Promise.resolve();
    },
  });
  await commanderCommand(definition)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .parseAsync(args, { from: 'user' });
  return received!;
}

async function config(content: string): Promise<string> {
  const file = path.join(folder, 'dskd.yaml');
  await writeFile(file, content);
  return file;
}

test('flag, then config file, then preset, then default', async () => {
  expect(await run()).toMatchObject({ epochs: 10, preset: 'lite', workers: true, early: false });
  expect(await run('--preset', 'paper')).toMatchObject({ epochs: 200, workers: false });
  const file = await config('preset: paper\nepochs: 5\nearly: true\ndata: parts\n');
  expect(await run('--config', file)).toMatchObject({
    preset: 'paper',
    epochs: 5,
    workers: false,
    early: true,
    data: path.join(folder, 'parts'),
  });
  expect(
    await run(
      '--config',
      file,
      '--epochs',
      '1',
      '--workers',
      '--no-early',
      '--preset',
      'lite',
      '--data',
      'here',
    ),
  ).toMatchObject({ preset: 'lite', epochs: 1, workers: true, early: false, data: 'here' });
});

test('numbers are distinguished from text, and text is quoted in the error', async () => {
  expect((await run('--epochs', '3')).epochs).toBe(3);
  await expect(run('--epochs', 'three')).rejects.toThrow(
    '--epochs: got "three", wanted a whole number, 1 or more.',
  );
  await expect(run('--epochs', '')).rejects.toThrow('--epochs: got "", wanted');
  await expect(run('--preset', 'large')).rejects.toThrow('--preset: got "large", wanted one of lite, paper.');
});

test('a problem in a config file names the file', async () => {
  const file = await config('\nepoch: 3\n');
  await expect(run('--config', file)).rejects.toThrow(
    `${file}:2:1: no option is called epoch; did you mean epochs?`,
  );
});
