import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gcadAugmentation } from '@dskd/data';
import { resolveOptions } from '../../options/resolve.js';
import { trainOptions } from '../train.js';
import { augmentationOf } from './training-options.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd augment ü-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const of = (augment: unknown, category?: string): ReturnType<typeof augmentationOf> =>
  augmentationOf(
    resolveOptions('train', trainOptions, {
      flags: { data: 'x', weights: 'w', out: 'o', teacher: 'resnet18', augment, category },
    }),
  );

async function file(content: string): Promise<string> {
  const name = path.join(folder, 'augment.json');
  await writeFile(name, content);
  return name;
}

test('by name, by category, from a file, or as content of a config file', async () => {
  expect(await of('none')).toBeUndefined();
  expect(await of('gcad')).toEqual(gcadAugmentation());
  expect(await of('gcad', 'pushpins')).toEqual(gcadAugmentation('pushpins'));
  expect(await of(await file('{"rotation": {"degrees": 2}}'))).toEqual({ rotation: { degrees: 2 } });
  expect(await of({ flips: { horizontal: true } })).toEqual({ flips: { horizontal: true } });
});

test('refuses invalid values', async () => {
  await expect(of('gcda')).rejects.toMatchObject({ code: 'file-not-found' });
  await expect(of(await file('{"rotation": '))).rejects.toMatchObject({ code: 'invalid-config' });
  await expect(of({ rotation: { degrees: 'few' } })).rejects.toMatchObject({ code: 'invalid-config' });
});
