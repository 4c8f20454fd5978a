import '@tensorflow/tfjs';
import type { DskdEvent } from '@dskd/base';
import { auroc } from '@dskd/metrics';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { Detector } from '../inference/detector.js';
import { evaluateDetector } from './evaluate-detector.js';
import type { Teacher } from '@dskd/models';
import { tinyOptions, tinySource, tinyTeacher } from '../tiny-world.test.util.js';
import { trainDetector } from '../training/train-detector.js';

let teacher: Teacher;
let detector: Detector;

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  teacher = tinyTeacher();
  detector = await trainDetector(tinyOptions(teacher, { epochs: 15, reestimateBatchNorm: true }));
});

afterAll(() => {
  detector.dispose();
  teacher.dispose();
});

test('metrics are those of the scores it lists', async () => {
  const events: DskdEvent[] = [];
  const result = await expectNoNewTensors(() =>
    evaluateDetector(detector, tinySource(), { onEvent: (event) => events.push(event) }),
  );
  expect(result.images).toEqual({ good: 3, anomalous: 3, withMask: 3 });
  const labels = result.samples.map(({ label }) => (label === 'anomalous' ? 1 : 0));
  const scores = result.samples.map(({ score }) => score);
  expect(result.fused.imageAuroc).toBe(auroc(scores, labels));
  expect(result.fused.imageAurocByDefect).toEqual({ spot: result.fused.imageAuroc });
  for (const [name, quality] of Object.entries(result.branches)) {
    expect(quality.imageAuroc).toBe(
      auroc(
        result.samples.map((s) => s.branchScores[name]!),
        labels,
      ),
    );
  }
  expect(events.filter(({ type }) => type === 'image-scored')).toHaveLength(6);
  const alarms = result.samples.filter((s) => s.label === 'good' && s.score > detector.threshold);
  expect(result.atThreshold.falseAlarms).toBe(alarms.length);
});

test('a dark square where there never was one is found, and found where it is', async () => {
  const result = await evaluateDetector(detector, tinySource());
  expect(result.fused.imageAuroc).toBe(1);
  expect(result.fused.pixelAuroc).toBeGreaterThan(0.9);
});

test('a source without test images is refused', async () => {
  const source = { ...tinySource(), samples: tinySource().samples.slice(0, 8) };
  await expect(evaluateDetector(detector, source)).rejects.toMatchObject({
    code: 'dataset-invalid',
    message: `${source.name} has no test images to evaluate on.`,
    details: { source: source.name, missing: 'test' },
  });
});
