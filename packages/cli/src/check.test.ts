import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodeImage } from '@dskd/data/node';
import { dskd } from './dskd-process.test.util.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd check ü-'));
  for (const shade of [10, 20, 30]) {
    const data = new Uint8Array(8 * 8 * 3).fill(shade);
    await writeFile(
      path.join(folder, `${shade}.png`),
      await encodeImage({ data, width: 8, height: 8, channels: 3 }),
    );
  }
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('warns of images without content', async () => {
  const { code, stderr } = await dskd('check', folder);
  expect(code).toBe(0);
  expect(stderr).toContain(
    'warning: all 3 images have no content, all pixels of each are alike: 10.png, 20.png, 30.png.',
  );
});

test('prints counts and fingerprint, and writes a manifest of the same data', async () => {
  const manifest = path.join(folder, 'images.csv');
  const { code, stdout } = await dskd('check', folder, '--manifest', manifest);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^train +good +good +3 +0$/m);
  const [, fingerprint] = /^fingerprint ([0-9a-f]{64})$/m.exec(stdout)!;
  expect(stdout).toContain(`wrote ${manifest}`);
  expect((await readFile(manifest, 'utf8')).split('\n')[1]).toBe('10.png,good,train,,');

  const again = await dskd('check', manifest, '--json');
  expect(JSON.parse(again.stdout)).toEqual({
    type: 'dataset-checked',
    name: 'images.csv',
    rows: [{ split: 'train', label: 'good', defectType: 'good', images: 3, masks: 0 }],
    fingerprint,
    warnings: ['all 3 images have no content, all pixels of each are alike: 10.png, 20.png, 30.png.'],
  });
});

test('reports all problems, each with its path, with exit code 1', async () => {
  await writeFile(path.join(folder, 'a.png'), 'text');
  await writeFile(path.join(folder, 'b.png'), '');
  const { code, stdout, stderr } = await dskd('check', folder);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/2 problems:\n\s+a\.png: .*\(text\).*\n\s+b\.png: .*\n\s+Fix, move or remove/);
});

test('finds an image that is damaged after its header, unless told not to decode', async () => {
  const whole = await readFile(path.join(folder, '30.png'));
  const data = whole.indexOf('IDAT') + 6;
  const damaged = Buffer.from(whole).fill(0xee, data, data + 5);
  await writeFile(path.join(folder, '30.png'), damaged);
  expect((await dskd('check', folder)).stderr).toContain('30.png');
  expect((await dskd('check', folder, '--no-thorough')).code).toBe(0);
});

describe('folders of several kinds', () => {
  const put = async (name: string, shade: number): Promise<void> => {
    const data = new Uint8Array(8 * 8 * 3).fill(shade);
    const file = path.join(folder, 'kinds', name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, await encodeImage({ data, width: 8, height: 8, channels: 3 }));
  };
  const at = (name: string): string => path.join(folder, 'kinds', name);

  test('are refused with the flags that choose; --good and --bad choose', async () => {
    await put('pass/0.png', 1);
    await put('fail/0.png', 2);
    const refused = await dskd('check', at(''));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('images are in several folders: fail (1), pass (1)');
    expect(refused.stderr).toContain('--good DIR..., and if there are any');
    const { code, stdout } = await dskd('check', '--good', at('pass'), '--bad', at('fail'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^test +anomalous +defect +1 +0$/m);
    expect(stdout).toContain('no masks: dskd evaluate measures images');
    const all = await dskd('check', '--good', at('pass'), at('fail'), '--json');
    expect(JSON.parse(all.stdout)).toMatchObject({ rows: [{ split: 'train', images: 2 }] });
  });

  test('what is left out is said: own heat maps, a FIFO', async () => {
    await put('0.png', 1);
    await put('heat/0.overlay.png', 2);
    if (process.platform !== 'win32') execFileSync('mkfifo', [at('1.png')]);
    const { code, stdout, stderr } = await dskd('check', at(''));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^total +1 +0$/m);
    expect(stderr).toContain('warning: 1 file is left out, heat maps of dskd predict: heat/0.overlay.png');
    if (process.platform !== 'win32')
      expect(stderr).toContain('no regular files (FIFO, socket or device): 1.png');
  });
});
