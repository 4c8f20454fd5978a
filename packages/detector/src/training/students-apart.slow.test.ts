import * as tf from '@tensorflow/tfjs';
import { holdOut, type ImageSource, type Sample } from '@dskd/data';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { StateDict } from '@dskd/weights';
import { readArtifact, writeArtifact } from '../artifact/artifact.js';
import { combineDetectors } from './combine-detectors.js';
import type { DetectorDescription } from '../artifact/description.js';
import type { Detector } from '../inference/detector.js';
import { evaluateDetector } from '../evaluation/evaluate-detector.js';
import { loadDetector, loadDetectors } from '../artifact/load-detector.js';
import { expectNormalized, momentsOver } from '../calibration/map-moments.test.util.js';
import type { Teacher } from '@dskd/models';
import { tinyOptions, tinySource, tinyTeacher, type TinyChanges } from '../tiny-world.test.util.js';
import { trainDetector } from './train-detector.js';
import { TRAINING_DEFAULTS } from '@dskd/methods';

const source = tinySource();
let teacher: Teacher;
let together: Detector;
let local: Detector;
let global: Detector;

function trainOne(name: 'local' | 'global', options: TinyChanges = {}): Promise<Detector> {
  const branches = { [name]: TRAINING_DEFAULTS.dskd.branches[name] };
  return trainDetector(tinyOptions(teacher, { branches, ...options }));
}

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  teacher = tinyTeacher();
  together = await trainDetector(tinyOptions(teacher));
  local = await trainOne('local');
  global = await trainOne('global');
});

afterAll(() => {
  for (const owner of [together, local, global, teacher]) owner.dispose();
});

async function testImages() {
  const samples = source.samples.filter(({ split }) => split === 'test');
  return Promise.all(samples.map((sample) => sample.load()));
}

function studentTensors(detector: Detector, name: string) {
  const { tensors } = readArtifact(detector.save({ embedTeacher: false }));
  return [...tensors].filter(([key]) => key.startsWith(`dskd.${name}.`));
}

/** Which good images a training of `tinyOptions` with this seed keeps and holds out. */
function split(seed: number): { kept: Sample[]; heldOut: Sample[] } {
  const good = source.samples.filter((sample) => sample.split === 'train');
  return holdOut(good, { fraction: 0.3, seed });
}

/** The same detector with a changed description, as if it had been trained so. */
function edited(
  detector: Detector,
  change: (description: DetectorDescription) => Partial<DetectorDescription>,
  more: StateDict = new Map(),
): Promise<Detector> {
  const artifact = readArtifact(detector.save());
  const description = { ...artifact.description, ...change(artifact.description) };
  const bytes = writeArtifact({ description, tensors: new Map([...artifact.tensors, ...more]) });
  return loadDetector(bytes);
}

/** `tinySource` under another fingerprint and, if asked for, with a validation split. */
function otherSource(validation: boolean): ImageSource {
  const [first, ...rest] = source.samples as [Sample, ...Sample[]];
  const samples = validation ? [...rest, { ...first, split: 'validation' as const }] : [...source.samples];
  return { name: 'other', samples, fingerprint: () => Promise.resolve('1'.repeat(64)) };
}

describe('one student alone', () => {
  test.each(['local', 'global'] as const)('is, bit for bit, the %s one of a training of both', (name) => {
    const alone = studentTensors(name === 'local' ? local : global, name);
    expect(alone.length).toBeGreaterThan(10);
    expect(alone).toEqual(studentTensors(together, name));
  });

  test('is a detector: saved, loaded, predicting, evaluated', async () => {
    const images = await testImages();
    const wanted = await local.predict(images);
    const loaded = await loadDetector(local.save());
    expect(await loaded.predict(images)).toEqual(wanted);
    for (const { score, branches, pValue } of wanted) {
      expect(Object.keys(branches)).toEqual(['local']);
      expect(branches.local).toMatchObject({ score, pValue });
    }
    const result = await evaluateDetector(loaded, source);
    expect(Object.keys(result.branches)).toEqual(['local']);
    expect(result.fused).toEqual(result.branches.local);
    expect(loaded.description.trainings.map(({ branches }) => branches)).toEqual([['local']]);
    loaded.dispose();
  });
});

describe('students trained apart and combined', () => {
  test('are, bit for bit, the detector that was trained at once', async () => {
    const combined = await combineDetectors([local, global], { source });
    const { trainings, ...rest } = combined.description;
    const { trainings: once, ...wanted } = together.description;
    expect(rest).toEqual(wanted);
    expect(trainings).toEqual([...local.description.trainings, ...global.description.trainings]);
    const { local: localLoss, global: globalLoss } = once[0]!.fit.finalLosses as Record<string, number>;
    expect(trainings.map(({ fit }) => fit.finalLosses)).toEqual([
      { local: localLoss },
      { global: globalLoss },
    ]);
    for (const name of ['local', 'global']) {
      expect(studentTensors(combined, name)).toEqual(studentTensors(together, name));
    }
    const images = await testImages();
    expect(await combined.predict(images)).toEqual(await together.predict(images));
    combined.dispose();
  });

  test('from files, and into one', async () => {
    const [one, other] = await loadDetectors([local.save(), global.save({ embedTeacher: false })]);
    const combined = await combineDetectors([one!, other!], { source });
    const loaded = await loadDetector(combined.save());
    const images = await testImages();
    expect(await loaded.predict(images)).toEqual(await together.predict(images));
    for (const each of [combined, loaded, one!, other!]) each.dispose();
  });

  test('from files that name the fraction held out twice, as those of older versions of the command do', async () => {
    const older = ({ trainings }: DetectorDescription): Partial<DetectorDescription> => ({
      trainings: trainings.map((record) => ({ ...record, options: { holdOut: 0.3, ...record.options } })),
    });
    const apart = [await edited(local, older), await edited(global, older)];
    expect(apart[0]!.description.trainings[0]!.options).toMatchObject({ holdOut: 0.3, holdOutFraction: 0.3 });
    const combined = await combineDetectors(apart, { source });
    expect(combined.description.calibration).toEqual(together.description.calibration);
    for (const each of [combined, ...apart]) each.dispose();
  });

  test('are stored as float16 where all of them are', async () => {
    const halves = [local, global].map((detector) => detector.save({ storage: 'float16' }));
    const [one, other] = await loadDetectors(halves);
    const small = await combineDetectors([one!, other!], { source });
    const mixed = await combineDetectors([one!, global], { source });
    expect(small.description.storage).toBe('float16');
    expect(mixed.description.storage).toBe('float32');
    expect(studentTensors(small, 'local')).toEqual(studentTensors(one!, 'local'));
    expect(studentTensors(mixed, 'global')).toEqual(studentTensors(global, 'global'));
    for (const each of [small, mixed, one!, other!]) each.dispose();
  });

  test('with mean and deviation of the training images, too', async () => {
    const change = ({ fusion, trainings }: DetectorDescription): Partial<DetectorDescription> => ({
      fusion: { ...fusion, sigma: 0, normalization: 'moments' },
      trainings: trainings.map((record) => ({
        ...record,
        options: { ...record.options, statisticsOn: 'training' },
      })),
    });
    const apart = [await edited(local, change), await edited(global, change)];
    const combined = await combineDetectors(apart, { source });
    const { kept, heldOut } = split(3);
    expectNormalized((await momentsOver(combined, kept)).moments);
    const { scores } = await momentsOver(combined, heldOut);
    expect(combined.description.calibration).toEqual({ images: 'held-out', scores });
    for (const each of [combined, ...apart]) each.dispose();
  });

  test('of two seeds calibrate on what neither was trained on', async () => {
    const outcomes = new Set<string>();
    for (const seed of [4, 5, 6, 7, 8]) {
      const others = split(seed).heldOut;
      const neither = split(3).heldOut.filter(({ id }) => others.some((sample) => sample.id === id));
      const other = await edited(global, ({ trainings }) => ({ trainings: [{ ...trainings[0]!, seed }] }));
      const combining = combineDetectors([local, other], { source });
      if (neither.length === 0) {
        await expect(combining).rejects.toMatchObject({ code: 'dataset-invalid' });
        outcomes.add('refused');
      } else {
        const combined = await combining;
        const { images, scores } = combined.description.calibration;
        const predictions = await combined.predict(await Promise.all(neither.map((sample) => sample.load())));
        expect(images).toBe('held-out');
        expect(scores).toEqual(predictions.map(({ score }) => score));
        combined.dispose();
        outcomes.add('combined');
      }
      other.dispose();
    }
    expect([...outcomes].sort()).toEqual(['combined', 'refused']);
  });

  test('use a validation split of any source', async () => {
    const combined = await combineDetectors([local, global], {
      source: otherSource(true),
      falseAlarmRate: 0.5,
    });
    expect(combined.description.calibration).toMatchObject({ images: 'validation' });
    expect(combined.description.calibration.scores).toHaveLength(1);
    expect(combined.description.threshold.falseAlarmRate).toBe(0.5);
    combined.dispose();
  });

  test('leave no tensors', async () => {
    await expectNoNewTensors(async () => {
      const combined = await combineDetectors([local, global], { source });
      combined.dispose();
      await expect(combineDetectors([local, local], { source })).rejects.toThrow();
      const broken: ImageSource = {
        ...source,
        samples: source.samples.map((sample) => ({
          ...sample,
          load: () => Promise.reject(new Error('unreadable')),
        })),
      };
      await expect(combineDetectors([local, global], { source: broken })).rejects.toThrow('unreadable');
    });
  });
});

describe('combining is refused', () => {
  async function refusal(detectors: readonly Detector[], from: ImageSource = source): Promise<unknown> {
    const before = tf.memory().numTensors;
    const error = await combineDetectors(detectors, { source: from }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(tf.memory().numTensors).toBe(before);
    return error;
  }

  async function refusalOf(
    change: (description: DetectorDescription) => Partial<DetectorDescription>,
  ): Promise<unknown> {
    const other = await edited(global, change);
    const error = await refusal([local, other]);
    other.dispose();
    return error;
  }

  test('for fewer than two', async () => {
    expect(await refusal([local])).toMatchObject({ code: 'invalid-argument' });
  });

  test('for another teacher', async () => {
    const sha256 = 'b'.repeat(64);
    const error = await refusalOf(({ teacher: own }) => ({ teacher: { ...own!, sha256 } }));
    expect(error).toMatchObject({ code: 'teacher-mismatch' });
    expect((error as Error).message).toContain(sha256);
  });

  test('for another input size', async () => {
    const other = await trainOne('global', { size: [48, 32], epochs: 1 });
    expect(await refusal([local, other])).toMatchObject({
      code: 'input-size-mismatch',
      message: expect.stringContaining('32x32, 48x32') as string,
    });
    other.dispose();
  });

  test('for a branch name twice', async () => {
    expect(await refusal([local, together])).toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('two students are called local') as string,
    });
  });

  test('for other settings, all of them named', async () => {
    const error = await refusalOf(({ fusion, resize, trainings }) => ({
      fusion: { ...fusion, sigma: 3 },
      resize: { ...resize, fit: 'letterbox', fill: [0, 0, 0] },
      trainings: [{ ...trainings[0]!, options: { statisticsOn: 'training' } }],
    }));
    expect(error).toMatchObject({ code: 'invalid-argument' });
    expect((error as { details: { problems: string[] } }).details.problems).toHaveLength(3);
  });

  test('for other pixels that count', async () => {
    const data = new Uint8Array(32 * 32).fill(1, 0, 1);
    const ignored = new Map([['ignored', { dtype: 'U8' as const, shape: [32, 32], data }]]);
    const other = await edited(global, () => ({ ignored: true }), ignored);
    expect(await refusal([local, other])).toMatchObject({
      message: expect.stringContaining('ignore different pixels') as string,
    });
    other.dispose();
  });

  test('on other images without a validation split, or fewer of them', async () => {
    expect(await refusal([local, global], otherSource(false))).toMatchObject({ code: 'dataset-invalid' });
    const fewer = { ...source, samples: source.samples.slice(2) };
    expect(await refusal([local, global], fewer)).toMatchObject({
      code: 'dataset-invalid',
      message: expect.stringContaining('was trained on 6 images') as string,
    });
  });
});
