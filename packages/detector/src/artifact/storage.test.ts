import '@tensorflow/tfjs';
import { readSafetensors, tensorFiles } from '@dskd/weights';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { Detector } from '../inference/detector.js';
import { fixtureBytes, fixtureImage, fixtureTeacher } from './older-formats.test.util.js';
import { loadDetector } from './load-detector.js';
import type { Teacher } from '@dskd/models';

let teacher: Teacher;
let detector: Detector;
let half: Uint8Array;

beforeAll(async () => {
  await useBackend('wasm');
  teacher = fixtureTeacher();
  detector = await loadDetector(fixtureBytes(1), { teacher });
  half = detector.save({ embedTeacher: false, storage: 'float16' });
});
afterAll(() => {
  detector.dispose();
  teacher.dispose();
});

const images = Array.from({ length: 24 }, (_, index) => fixtureImage(700 + index, index >= 12));

async function scores(one: Detector): Promise<number[]> {
  return (await one.predict(images)).map(({ score }) => score);
}

test('filters are halved, vectors are not, and the file says so', () => {
  const whole = detector.save({ embedTeacher: false });
  expect(half.byteLength).toBeLessThan(0.6 * whole.byteLength);
  const { tensors, metadata } = readSafetensors(half);
  for (const { dtype, shape } of tensors.values()) expect(dtype).toBe(shape.length > 1 ? 'F16' : 'F32');
  expect(JSON.parse(metadata.dskd!)).toMatchObject({ storage: 'float16' });
  expect(JSON.parse(readSafetensors(whole).metadata.dskd!)).toMatchObject({ storage: 'float32' });
});

test('no score moves by more than two thousandths', async () => {
  const loaded = await loadDetector(half, { teacher });
  const [wanted, got] = [await scores(detector), await scores(loaded)];
  const largest = Math.max(...wanted.map((score, index) => Math.abs(got[index]! - score) / score));
  console.log(`float16: largest relative difference of ${wanted.length} scores ${largest}`);
  expect(largest).toBeGreaterThan(0);
  expect(largest).toBeLessThan(0.002);
  loaded.dispose();
});

test('a detector keeps its storage; back to float32 changes no score', async () => {
  await expectNoNewTensors(async () => {
    const loaded = await loadDetector(half, { teacher });
    expect(Buffer.compare(loaded.save({ embedTeacher: false }), half)).toBe(0);
    const widened = await loadDetector(loaded.save({ embedTeacher: false, storage: 'float32' }), { teacher });
    expect(await scores(widened)).toEqual(await scores(loaded));
    expect(widened.description.storage).toBe('float32');
    widened.dispose();
    loaded.dispose();
  });
});

test('a filter too large for float16 is refused by name', () => {
  const entry = { dtype: 'F32' as const, shape: [1, 2], data: Float32Array.of(1, -65_520) };
  expect(() => tensorFiles.storedAs('float16', 'dskd.local.x', entry)).toThrow(
    'Tensor dskd.local.x contains -65520; the largest float16 is 65504.',
  );
  expect(tensorFiles.storedAs('float32', 'dskd.local.x', entry)).toBe(entry);
});
