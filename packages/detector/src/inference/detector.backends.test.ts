import * as tf from '@tensorflow/tfjs';
import { describeBackends, expectNoNewTensors } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { PredictOptions } from './arguments.js';
import type { Detector } from './detector.js';
import { loadDetector } from '../artifact/load-detector.js';
import type { Prediction } from './prediction.js';
import type { Teacher } from '@dskd/models';
import { tinyOptions, tinySource, tinyTeacher } from '../tiny-world.test.util.js';
import { trainDetector } from '../training/train-detector.js';

async function testPredictions(detector: Detector, options?: PredictOptions): Promise<Prediction[]> {
  const samples = tinySource().samples.filter(({ split }) => split === 'test');
  return detector.predict(await Promise.all(samples.map((sample) => sample.load())), options);
}

/** Few channels: the cpu backend spends its time on convolutions from and to the teacher's features. */
const teacherOf = (sha256?: string): Teacher => tinyTeacher(sha256, 'teacher-tiny');

describeBackends(
  'detector, trained and saved',
  (backend) => {
    let teacher: Teacher;
    let detector: Detector;
    let wanted: Prediction[];
    let before: number;

    beforeAll(async () => {
      if (backend === 'wasm') registerWasmGradients();
      before = tf.memory().numTensors;
      teacher = teacherOf();
      detector = await trainDetector(tinyOptions(teacher));
      wanted = await testPredictions(detector);
    });

    test('saved and loaded gives the same scores bit for bit', async () => {
      const loaded = await loadDetector(detector.save());
      expect(await testPredictions(loaded)).toEqual(wanted);
      expect(loaded.description).toEqual(detector.description);
      loaded.dispose();
    });

    test('a save of what was loaded is the same file', async () => {
      const bytes = detector.save();
      const loaded = await loadDetector(bytes);
      expect(Buffer.compare(loaded.save(), bytes)).toBe(0);
      loaded.dispose();
    });

    test('the same seed gives the same file, resumed or not; another seed another', async () => {
      const saved: Uint8Array[] = [];
      const save = (bytes: Uint8Array): Promise<void> => {
        saved.push(bytes);
        return Promise.resolve();
      };
      const again = await trainDetector(tinyOptions(teacher, { checkpoint: { everyEpochs: 1, save } }));
      const resumed = await trainDetector(tinyOptions(teacher, { resumeFrom: saved[0]! }));
      const other = await trainDetector(tinyOptions(teacher, { seed: 4, epochs: 1 }));
      expect(Buffer.compare(again.save(), detector.save())).toBe(0);
      expect(Buffer.compare(resumed.save(), detector.save())).toBe(0);
      expect(Buffer.compare(other.save(), detector.save())).not.toBe(0);
      for (const each of [again, resumed, other]) each.dispose();
    });

    test('predictions fit together', () => {
      for (const prediction of wanted) {
        expect(prediction.score).toBe(Math.max(...prediction.map.data));
        expect(prediction.map).toMatchObject({ width: 32, height: 32 });
        expect(prediction.verdict).toBe(prediction.score > detector.threshold ? 'anomalous' : 'normal');
        expect(prediction.regions.length > 0).toBe(prediction.verdict === 'anomalous');
        expect(Object.keys(prediction.branches)).toEqual(['local', 'global']);
        const [local, global] = Object.values(prediction.branches).map(({ map }) => map!.data);
        prediction.map.data.forEach((value, index) => {
          const wanted = Math.log(Math.exp(local![index]!) + Math.exp(global![index]!));
          expect(Math.abs(value - wanted)).toBeLessThan(1e-4 * Math.abs(prediction.score) + 1e-5);
        });
      }
    });

    test('a score does not depend on the batch', async () => {
      const alone = await testPredictions(detector, { batchSize: 1 });
      expect(alone.map(({ score }) => score)).toEqual(wanted.map(({ score }) => score));
    });

    test('an ignore mask takes pixels out of the score', async () => {
      const [image] = await Promise.all(
        tinySource()
          .samples.slice(11, 12)
          .map((sample) => sample.load()),
      );
      const ignored = Uint8Array.from({ length: 32 * 32 }, (_, i) => (i % 32 < 16 ? 1 : 0));
      const masked = await detector.predict(image!, { ignored });
      const counting = masked.map.data.filter((_, i) => !ignored[i]);
      expect(masked.score).toBe(Math.max(...counting));
      expect(Math.max(...masked.map.data)).toBe(masked.score);
      expect(masked.ignored).toEqual(ignored);
      expect(wanted[3]!.ignored).toBeNull();
    });

    test('a threshold is changed without training, and kept', async () => {
      const copy = await loadDetector(detector.save());
      copy.threshold = 1e6;
      expect((await testPredictions(copy)).every(({ verdict }) => verdict === 'normal')).toBe(true);
      const again = await loadDetector(copy.save());
      expect(again.threshold).toBe(1e6);
      expect(() => (copy.threshold = NaN)).toThrow('finite');
      copy.dispose();
      again.dispose();
    });

    test('predict leaves no tensors', async () => {
      await expectNoNewTensors(() => testPredictions(detector));
    });

    test('a failed load leaves no tensors', async () => {
      const bytes = detector.save({ embedTeacher: false });
      await expectNoNewTensors(async () => {
        await expect(loadDetector(bytes)).rejects.toMatchObject({ code: 'teacher-mismatch' });
      });
    });

    test('a teacher outside the file is asked for by hash', async () => {
      const bytes = detector.save({ embedTeacher: false });
      const loaded = await loadDetector(bytes, { teacher });
      expect(await testPredictions(loaded)).toEqual(wanted);
      loaded.dispose();
      const stranger = teacherOf('b'.repeat(64));
      await expect(loadDetector(bytes, { teacher: stranger })).rejects.toMatchObject({
        code: 'teacher-mismatch',
      });
      stranger.dispose();
    });

    test('dispose leaves nothing', async () => {
      detector.dispose();
      detector.dispose();
      teacher.dispose();
      expect(tf.memory().numTensors).toBe(before);
      await expect(detector.predict([])).rejects.toMatchObject({ code: 'disposed' });
    });
  },
  { cpu: 'slow' },
);
