import { estimateMemory, type MemoryEstimateInput } from './estimate-memory.js';

const LITE: MemoryEstimateInput = {
  teacherBytes: 50e6,
  students: [
    { name: 'local', parameters: 6e6, activationBytesPerImage: 20e6 },
    { name: 'global', parameters: 7e6, activationBytesPerImage: 30e6 },
  ],
  batchSize: 16,
  featureBytesPerImage: 1e6,
  images: 209,
  backend: 'wasm',
  workers: false,
};

describe('estimateMemory', () => {
  test('counts 20 bytes per parameter, the largest batch and the largest student', () => {
    const { heaps, total, parts, exceeded } = estimateMemory(LITE);
    // 209 images in batches of 16: the last batch has 17.
    const main = 50e6 + 17e6 + 13e6 * 20 + 17 * 30e6;
    expect(heaps).toEqual([{ heap: 'main', bytes: main, limit: 2 ** 32 }]);
    expect(parts.find(({ heap }) => heap === 'host')!.bytes).toBe(209e6);
    expect(total).toBe(main + 209e6);
    expect(exceeded).toEqual([]);
  });

  test('counts one heap per worker and limits the cache', () => {
    const { heaps, parts } = estimateMemory({ ...LITE, workers: true, cacheBytes: 1e6 });
    expect(heaps.map(({ heap, bytes }) => [heap, bytes])).toEqual([
      ['main', 50e6 + 17e6],
      ['local', 6e6 * 20 + 17e6 + 17 * 20e6],
      ['global', 7e6 * 20 + 17e6 + 17 * 30e6],
    ]);
    expect(parts.find(({ heap }) => heap === 'host')!.bytes).toBe(1e6);
  });

  test('counts packed copies only on wasm, and four more copies of the largest parameter for its update', () => {
    const students = [
      { name: 'global', parameters: 7e6, activationBytesPerImage: 0, largestParameterBytes: 1e6 },
    ];
    const bytesOn = (backend: string): number =>
      estimateMemory({ ...LITE, students, backend, workers: true }).heaps.at(-1)!.bytes;
    expect(bytesOn('webgpu')).toBe(7e6 * 16 + 4e6 + 17e6);
    expect(bytesOn('wasm')).toBe(7e6 * 20 + 4e6 + 17e6);
  });

  test('checks the largest tensor if the backend limits it', () => {
    const students = LITE.students.map((student, index) => ({
      ...student,
      largestParameterBytes: 100e6 * (index + 1),
      largestMapBytesPerImage: 1e6,
    }));
    expect(estimateMemory({ ...LITE, students })).not.toHaveProperty('largestTensor');
    const question = { ...LITE, backend: 'webgpu', students, tensorLimit: 2 ** 27 };
    const estimate = estimateMemory(question);
    expect(estimate.largestTensor).toEqual({ student: 'global', bytes: 200e6, limit: 2 ** 27 });
    expect(estimate.exceeded).toEqual([
      expect.stringContaining(
        'one tensor of global needs 0.19 GiB, this device takes at most 0.13 GiB in one',
      ),
    ]);
    expect(estimateMemory({ ...question, tensorLimit: 2 ** 28 }).exceeded).toEqual([]);
    // The largest batch has 17 images.
    const maps = students.map((student) => ({ ...student, largestMapBytesPerImage: 20e6 }));
    expect(estimateMemory({ ...question, students: maps }).largestTensor).toMatchObject({ bytes: 340e6 });
  });

  test('refuses the paper preset with Wide-ResNet-50-2 on wasm, not on webgpu', () => {
    const paper = { ...LITE, students: [{ parameters: 289e6, activationBytesPerImage: 100e6 }] };
    expect(estimateMemory(paper).exceeded).toEqual([
      expect.stringMatching(/'main' needs 7\.\d\d GiB.*parameters of student 1/),
    ]);
    expect(estimateMemory({ ...paper, workers: true }).exceeded.join()).toContain("heap 'student 1'");
    expect(estimateMemory({ ...paper, backend: 'webgpu' }).exceeded).toEqual([]);
  });
});
