import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodeImage } from '@dskd/data/node';
import { readDistillationRecord } from '@dskd/distillation';
import { backboneInfo } from '@dskd/models';
import { integerFill } from '@dskd/test-support';
import { writeSafetensors, type StateDict } from '@dskd/weights';
import { main } from './main.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd distill-'));
  const weights: StateDict = new Map();
  for (const [name, shape] of backboneInfo('squeezenet1_1').weightShapes()) {
    weights.set(name, { dtype: 'F32', shape, data: integerFill(name, shape) });
  }
  await writeFile(path.join(folder, 'teacher.safetensors'), writeSafetensors(weights));
  for (const [index, name] of ['a.png', 'b.png'].entries()) {
    const data = Uint8Array.from({ length: 40 * 40 * 3 }, (_, i) => (i * (index + 3)) % 256);
    await writeFile(path.join(folder, name), await encodeImage({ data, width: 40, height: 40, channels: 3 }));
  }
});
afterAll(() => rm(folder, { recursive: true }));

async function distill(...more: string[]): Promise<{ code: number; stdout: string }> {
  const original = process.stdout.write.bind(process.stdout);
  let stdout = '';
  process.stdout.write = (text: string | Uint8Array) => Boolean((stdout += String(text)));
  try {
    const teacher = ['--from', 'squeezenet1_1', '--weights', path.join(folder, 'teacher.safetensors')];
    const budget = ['--steps', '4', '--size', '32', '--batch-size', '4', '--held-out-images', '4'];
    const code = await main(['node', 'dskd', 'distill-teacher', ...teacher, ...budget, '--json', ...more]);
    return { code, stdout };
  } finally {
    process.stdout.write = original;
  }
}

test('writes a weight file from several folders or files, with a checkpoint to resume from', async () => {
  const out = path.join(folder, 'tiny.safetensors');
  const checkpoint = path.join(folder, 'run.checkpoint');
  const images = ['--images', path.join(folder, 'a.png'), path.join(folder, 'b.png')];
  const rest = ['--evaluate-every', '2', '--checkpoint', checkpoint, '--out', out];
  const { code, stdout } = await distill(...images, ...rest);
  const lines = stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>); // prettier-ignore
  expect(code).toBe(0);
  expect(lines.filter(({ type }) => type === 'held-out-error').map(({ step }) => step)).toEqual([2, 4, 4]);
  expect(lines.at(-1)).toMatchObject({ type: 'teacher-saved', path: out, backbone: 'teacher-tiny' });
  const first = await readFile(out);
  expect(readDistillationRecord(first).images).toMatchObject({ photos: 1, heldOutPhotos: 1 });

  // The checkpoint is from the last step, so only the work after it is repeated.
  const again = await distill(...images, ...rest);
  expect(again.code).toBe(0);
  expect(again.stdout).not.toContain('"step-end"');
  expect((await readFile(out)).equals(first)).toBe(true);
});

test('starts from weights of an earlier run, on images of another size', async () => {
  const first = path.join(folder, 'small.safetensors');
  expect((await distill('--out', first)).code).toBe(0);
  const out = path.join(folder, 'larger.safetensors');
  expect((await distill('--out', out, '--start-from', first, '--size', '48')).code).toBe(0);
  const sha256 = createHash('sha256')
    .update(await readFile(first))
    .digest('hex');
  expect(readDistillationRecord(await readFile(out))).toMatchObject({ size: 48, startedFrom: sha256 });
});

test.each([
  [['--out', 'x', '--start-from', '/no/such/file'], '/no/such/file'],
  [['--out', 'x', '--from', 'resnet9000'], 'resnet50_v1'],
  [['--out', 'x', '--size', '40'], 'a multiple of 16'],
  [['--out', 'x', '--procedural-fraction', '0.5'], 'no photos'],
  [['--out', 'x', '--images', '/no/such/folder'], '/no/such/folder'],
  [[], '--out <file> is missing'],
])('%j is a usage error', async (more, message) => {
  const { code, stdout } = await distill(...more);
  expect(code).toBe(2);
  expect(stdout).toContain(message);
});
