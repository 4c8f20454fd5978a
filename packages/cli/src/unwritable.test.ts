import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dskd } from './dskd-process.test.util.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd-unwritable-'));
  await writeFile(path.join(folder, 'file'), 'kept');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

// Neither images nor weights exist: the error about the output path must come before any work.
test.each([
  ['train', '--teacher', 'squeezenet1_1', '--data', 'nowhere', '--weights', 'nowhere', '--out'],
  [
    'train',
    '--teacher',
    'squeezenet1_1',
    '--data',
    'nowhere',
    '--weights',
    'nowhere',
    '--out',
    'x',
    '--checkpoint',
  ],
  ['train', '--data', 'nowhere', '--out', 'x', '--report'],
  ['evaluate', 'nowhere', '--data', 'nowhere', '--report'],
  ...['--out', '--csv', '--markdown'].map((flag) => ['evaluate', 'model', '--data', 'nowhere', flag]),
])('%s refuses an output path that cannot be written, before it does any work', async (...args) => {
  const inTheWay = path.join(folder, 'file', 'model.safetensors');
  const given = args.map((word) => (word === 'x' ? path.join(folder, 'x') : word));
  const { code, stderr } = await dskd(...given, inTheWay);
  expect(code).toBe(1);
  expect(stderr).toContain(`Cannot write ${path.join(folder, 'file')}`);
});
