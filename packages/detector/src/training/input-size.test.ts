import { DskdError } from '@dskd/base';
import type { ImageSource, Sample } from '@dskd/data';
import type { Size } from '@dskd/methods';
import { describedTeacher } from './described-teacher.test.util.js';
import { resolveTrainingOptions } from './training-options.js';

let loads = 0;
beforeEach(() => (loads = 0));

/** Four good images to train on, of these sizes; test images, which come first, are small. */
function sourceOf(...sizes: readonly Size[]): ImageSource {
  const samples = sizes.map(([height, width], index) => ({
    id: `train/good/${index}.png`,
    split: 'train' as const,
    label: 'good' as const,
    defectType: 'good',
    load: () => {
      loads++;
      return Promise.resolve({ data: new Uint8Array(height * width * 3), height, width, channels: 3 });
    },
  }));
  const unread = {
    id: 'test/good/0.png',
    split: 'test' as const,
    label: 'good' as const,
    defectType: 'good',
    load: () => Promise.reject(new Error('a test image was read')),
  };
  return { name: 'sizes', samples: [unread, ...samples], fingerprint: () => Promise.resolve('0'.repeat(64)) };
}

async function sizeOf(source: ImageSource, more: { method?: string; size?: Size; seed?: number } = {}) {
  const { size, ...rest } = more;
  const { fitting } = await resolveTrainingOptions({
    source,
    teacher: describedTeacher('squeezenet1_1'),
    ...rest,
    ...(size && { input: { size } }),
  });
  return { method: fitting.method.name, size: fitting.plan.inputSize };
}

const large: Size = [300, 256];
const small: Size = [300, 255];

test('nothing named: instant, at 256 px where the first training image is as large both ways, else at 128', async () => {
  expect(await sizeOf(sourceOf(large, small))).toEqual({ method: 'instant', size: [256, 256] });
  expect(await sizeOf(sourceOf(small, large))).toEqual({ method: 'instant', size: [128, 128] });
  expect(loads).toBe(2);
});

test('the seed, which decides the images that are held out, does not decide the size', async () => {
  for (const seed of [1, 2, 3, 4]) {
    expect((await sizeOf(sourceOf(large, small, small, small), { seed })).size).toEqual([256, 256]);
  }
});

test.each(['instant', 'patchcore', 'fre', 'gaussian', 'padim'])('%s prefers 256 px', async (method) => {
  expect((await sizeOf(sourceOf(large, large), { method })).size).toEqual([256, 256]);
});

test.each(['dskd', 'rd'])('%s stays at 128 px, and reads no image to know', async (method) => {
  expect((await sizeOf(sourceOf(large, large), { method })).size).toEqual([128, 128]);
  expect(loads).toBe(0);
});

test('a size that is given stands, and no image is read', async () => {
  expect((await sizeOf(sourceOf(large, large), { size: [64, 96] })).size).toEqual([64, 96]);
  expect(loads).toBe(0);
});

test('images that cannot be read do not tell: the training lists all of them', async () => {
  const unreadable = (sample: Sample): Sample => ({
    ...sample,
    load: () => Promise.reject(new DskdError('image-unreadable', 'Cannot read it.')),
  });
  const broken = sourceOf(large, large);
  const [first, ...others] = broken.samples;
  expect((await sizeOf({ ...broken, samples: [unreadable(first!), ...others] })).size).toEqual([256, 256]);
  const samples = broken.samples.map(unreadable);
  expect((await sizeOf({ ...broken, samples })).size).toEqual([128, 128]);
  await expect(sizeOf({ ...broken, samples: [] })).rejects.toMatchObject({ code: 'dataset-invalid' });
});
