import { useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import '@tensorflow/tfjs';
import { tinyTeacher } from './tiny-teacher.test.util.js';
import { distillTeacher } from './distill-teacher.js';
import { readDistillationRecord } from './record.js';

test('the held-out error falls, and the file keeps it', async () => {
  await useBackend('wasm');
  const undo = registerWasmGradients();
  const teacher = tinyTeacher();
  const made = { teacher, size: 32, batchSize: 4, heldOutImages: 8, statisticsBatches: 4 };
  const { record, bytes } = await distillTeacher({
    ...made,
    steps: 40,
    evaluateEvery: 40,
    learningRate: 0.005,
  });
  const short = await distillTeacher({ ...made, steps: 1 });
  expect(record.images).toMatchObject({ proceduralFraction: 1, photos: 0, photosSha256: null });
  expect(record.heldOut.mean).toBeLessThan(0.9 * short.record.heldOut.mean);
  expect(record.heldOut.mean).toBeLessThan(1);
  expect(readDistillationRecord(bytes)).toEqual(record);
  teacher.extractor.dispose();
  undo();
});
