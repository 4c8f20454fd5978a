import * as tf from '@tensorflow/tfjs';
import type { DskdEvent, PixelBuffer } from '@dskd/base';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { createBackbone } from '@dskd/models';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { readSafetensors, readStateDict, toFloat32, writeSafetensors } from '@dskd/weights';
import { tinyTeacher, type TestTeacher } from './tiny-teacher.test.util.js';
import { distillTeacher, type DistilledTeacher } from './distill-teacher.js';
import type { DistillOptions } from './options.js';
import type { Photo } from './images.js';
import { readDistillationRecord } from './record.js';

let teacher: TestTeacher;
let options: DistillOptions;
let undo: () => void;
beforeAll(async () => {
  await useBackend('wasm');
  undo = registerWasmGradients();
  teacher = tinyTeacher();
  options = {
    teacher,
    photos: ['b', 'a', 'c'].map(photo),
    steps: 4,
    size: 32,
    batchSize: 4,
    evaluateEvery: 2,
    heldOutImages: 6,
    statisticsBatches: 2,
  };
});
afterAll(() => {
  teacher.extractor.dispose();
  undo();
});

let loads = 0;
function photo(name: string): Photo {
  return {
    sha256: name.repeat(64),
    load: () => {
      loads++;
      const data = Uint8Array.from({ length: 50 * 40 * 3 }, (_, i) => (i * name.charCodeAt(0)) % 256);
      return Promise.resolve({ data, width: 50, height: 40, channels: 3 } satisfies PixelBuffer);
    },
  };
}

describe('a run', () => {
  let whole: DistilledTeacher;
  const events: DskdEvent[] = [];
  const saved: Uint8Array[] = [];
  beforeAll(async () => {
    loads = 0;
    whole = await expectNoNewTensors(() =>
      distillTeacher({
        ...options,
        onEvent: (event) => events.push(event),
        checkpoint: { save: (bytes) => Promise.resolve(void saved.push(bytes)) },
      }),
    );
  });

  test('says where its file came from', () => {
    const record = readDistillationRecord(whole.bytes);
    expect(record).toEqual(whole.record);
    expect(record).toMatchObject({
      format: 2,
      backbone: 'teacher-tiny',
      teacher: {
        name: 'squeezenet1_1',
        sha256: 'a'.repeat(64),
        levels: ['features.4', 'features.7', 'features.12'],
      },
      seed: 1,
      steps: 4,
      drawn: 16,
      images: { proceduralFraction: 0.5, photos: 2, heldOutPhotos: 1, heldOut: 6 },
    });
    expect(record.images.photosSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(record.curve.map(({ step }) => step)).toEqual([2, 4]);
    expect(Object.keys(record.heldOut.levels)).toEqual(['layer1', 'layer2', 'layer3']);
    // Photos are read once for each purpose, however many crops are cut.
    expect(loads).toBeLessThanOrEqual(2 + 2 + 2 + 1);
    expect(events.filter(({ type }) => type === 'held-out-error')).toHaveLength(3);
    expect(events.filter(({ type }) => type === 'step-end')).toHaveLength(4);
    expect(events.filter(({ type }) => type === 'checkpoint-saved')).toHaveLength(2);
  });

  test('is a small file in float16 that createBackbone reads and that extracts', async () => {
    expect(whole.bytes.length).toBeLessThan(3e6);
    const { tensors } = readSafetensors(whole.bytes);
    expect(tensors.get('layer3.1.conv2.weight')).toMatchObject({ dtype: 'F16', shape: [160, 160, 3, 3] });
    expect(tensors.get('bn1.running_var')!.dtype).toBe('F32');
    expect([...tensors.keys()].filter((name) => name.startsWith('heads'))).toEqual([]);
    const backbone = createBackbone('teacher-tiny', { weights: readStateDict(whole.bytes) });
    const images = tf.fill<tf.Rank.R4>([1, 64, 64, 3], 0.4);
    const features = await backbone.extract(images);
    expect(features.map(({ shape }) => shape)).toEqual([
      [1, 16, 16, 40],
      [1, 8, 8, 80],
      [1, 4, 4, 160],
    ]);
    for (const level of features) expect((await level.data()).every(Number.isFinite)).toBe(true);
    tf.dispose([...features, images]);
    backbone.dispose();
  });

  test('resumed from a checkpoint ends in the same bytes', async () => {
    expect(saved).toHaveLength(2);
    const resumed = await distillTeacher({ ...options, resumeFrom: saved[0]! });
    expect(Buffer.from(resumed.bytes).equals(Buffer.from(whole.bytes))).toBe(true);
  });

  test('stopped between two measurements saves, and goes on to the same bytes', async () => {
    const controller = new AbortController();
    let left: Uint8Array | undefined;
    const stopped = distillTeacher({
      ...options,
      signal: controller.signal,
      checkpoint: { save: (bytes) => Promise.resolve(void (left = bytes)) },
      onEvent: (event) => {
        if (event.type === 'step-end' && event.step === 2) controller.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    const resumed = await distillTeacher({ ...options, resumeFrom: left! });
    expect(Buffer.from(resumed.bytes).equals(Buffer.from(whole.bytes))).toBe(true);
  });

  test('the order of the photos does not matter, the seed does', async () => {
    const again = await distillTeacher({ ...options, photos: ['c', 'a', 'b', 'a'].map(photo) });
    expect(Buffer.from(again.bytes).equals(Buffer.from(whole.bytes))).toBe(true);
    const other = await distillTeacher({
      ...options,
      steps: 1,
      seed: 2,
      statisticsBatches: 1,
      heldOutImages: 1,
    });
    expect(other.record.seed).toBe(2);
    expect(toFloat32(readSafetensors(other.bytes).tensors.get('conv1.weight')!)).not.toEqual(
      toFloat32(readSafetensors(whole.bytes).tensors.get('conv1.weight')!),
    );
  });

  test('starts from given weights: without a step they come back, but for their statistics', async () => {
    const tiny = { ...options, steps: 1, learningRate: 1e-12, startFrom: whole.bytes };
    const { bytes, record } = await expectNoNewTensors(() => distillTeacher(tiny));
    expect(record.startedFrom).toMatch(/^[0-9a-f]{64}$/);
    expect(whole.record.startedFrom).toBeNull();
    const filters = (file: Uint8Array): Float32Array =>
      toFloat32(readSafetensors(file).tensors.get('layer3.1.conv2.weight')!);
    expect(filters(bytes)).toEqual(filters(whole.bytes));
    const { tensors } = readSafetensors(whole.bytes);
    tensors.delete('layer3.1.conv2.weight');
    const broken = { ...tiny, startFrom: writeSafetensors(tensors) };
    await expectNoNewTensors(async () => {
      await expect(distillTeacher(broken)).rejects.toMatchObject({
        code: 'weights-mismatch',
        message: expect.stringMatching(
          /^Cannot start from .*teacher-tiny: 'layer3.1.conv2.weight' is missing/,
        ) as string,
      });
    });
  });

  test('a checkpoint of another run is refused by what differs', async () => {
    await expect(
      distillTeacher({ ...options, steps: 9, learningRate: 0.1, resumeFrom: saved[0]! }),
    ).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(/steps, learningRate/) as string,
    });
  });
});

describe('what cannot be is refused', () => {
  test.each<[Partial<DistillOptions>, RegExp]>([
    [{ steps: 0 }, /steps is 0/],
    [{ size: 40 }, /multiple of 16/],
    [{ batchSize: 1 }, /batch norm/],
    [{ learningRate: 0 }, /learningRate/],
    [{ photos: [], proceduralFraction: 0.5 }, /no photos/],
    [{ proceduralFraction: 1.5 }, /0 to 1/],
    [{ backbone: 'squeezenet1_1' }, /cannot be trained/],
  ])('%#', async (change, message) => {
    await expectNoNewTensors(async () => {
      await expect(distillTeacher({ ...options, ...change })).rejects.toThrow(message);
    });
  });

  test('a teacher with other levels', async () => {
    const { extractor } = teacher;
    const other = {
      name: extractor.name,
      levels: extractor.levels.slice(0, 2),
      inputTransform: extractor.inputTransform,
      outputShapes: extractor.outputShapes.bind(extractor),
      extract: extractor.extract.bind(extractor),
      dispose: () => undefined,
    };
    await expect(distillTeacher({ ...options, teacher: { extractor: other, sha256: '' } })).rejects.toThrow(
      /strides 4, 8, wanted 4, 8, 16/,
    );
  });
});
