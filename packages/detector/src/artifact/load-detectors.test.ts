import * as tf from '@tensorflow/tfjs';
import type { DskdConfig } from '@dskd/methods';
import { readSafetensors, writeSafetensors, type StateDict } from '@dskd/weights';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { DetectorDescription } from './description.js';
import type { Detector } from '../inference/detector.js';
import { fixtureBytes, fixtureImage, fixtureTeacher } from './older-formats.test.util.js';
import { loadDetector, loadDetectors } from './load-detector.js';
import type { Teacher } from '@dskd/models';

let teacher: Teacher;
/** The fixture's detector with its teacher inside, and without; thresholds 1 and 2. */
let whole: Uint8Array;
let without: Uint8Array;

beforeAll(async () => {
  await useBackend('wasm');
  teacher = fixtureTeacher();
  const detector = await loadDetector(fixtureBytes(1), { teacher });
  detector.threshold = 1;
  whole = detector.save();
  detector.threshold = 2;
  without = detector.save({ embedTeacher: false });
  detector.dispose();
});
afterAll(() => teacher.dispose());

/** The file with its description, or its tensors, changed. */
function changed(
  file: Uint8Array,
  change: (description: DetectorDescription) => unknown,
  changeTensors: (tensors: StateDict) => void = () => undefined,
): Uint8Array {
  const { tensors, metadata } = readSafetensors(file);
  changeTensors(tensors);
  const description = JSON.parse(metadata.dskd!) as DetectorDescription;
  return writeSafetensors(tensors, { dskd: JSON.stringify(change(description)) });
}

type StudentBranch = DskdConfig['branches'][number];

/** The method's own description with `count` of its branches changed, the others left out. */
function withBranches(
  { config }: DetectorDescription,
  change: (branch: StudentBranch) => unknown,
  count = Infinity,
): unknown {
  const { branches, levels } = config as unknown as DskdConfig;
  return { levels, branches: branches.slice(0, count).map(change) };
}

const tensorsOf = async (work: () => Promise<Detector[]>): Promise<[Detector[], number]> => {
  const before = tf.memory().numTensors;
  const detectors = await work();
  return [detectors, tf.memory().numTensors - before];
};

const scoreOf = async (detector: Detector): Promise<number> =>
  (await detector.predict(fixtureImage(1, true))).score;

describe('several detectors', () => {
  test('share one teacher in memory, whoever holds it; it goes with the last of them', async () => {
    const before = tf.memory().numTensors;
    const [[alone], ofOne] = await tensorsOf(() => loadDetector([whole]));
    const wanted = await scoreOf(alone!);
    alone!.dispose();
    const [[given], studentsOfOne] = await tensorsOf(() => loadDetectors([without], { teachers: [teacher] }));
    given!.dispose();
    expect(ofOne).toBeGreaterThan(studentsOfOne);

    const [detectors, ofThree] = await tensorsOf(() => loadDetectors([without, whole, whole]));
    expect(ofThree).toBe(ofOne + 2 * studentsOfOne);
    expect(detectors.map(({ threshold }) => threshold)).toEqual([2, 1, 1]);
    expect(await Promise.all(detectors.map(scoreOf))).toEqual([wanted, wanted, wanted]);
    detectors[1]!.dispose();
    detectors[0]!.dispose();
    expect(await scoreOf(detectors[2]!)).toBe(wanted);
    detectors[2]!.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a given teacher serves those that were trained with it, and is not disposed with them', async () => {
    const detectors = await loadDetectors([whole, without], { teachers: [teacher] });
    for (const detector of detectors) detector.dispose();
    const again = await loadDetector(without, { teacher });
    again.dispose();
  });

  test('other levels of the same weights are another teacher', async () => {
    const file = changed(whole, (description) => ({
      ...description,
      teacher: { ...description.teacher, levels: description.teacher!.levels.slice(0, 1) },
    }));
    await expectNoNewTensors(() =>
      expect(loadDetectors([whole, file])).rejects.toMatchObject({ code: 'input-size-mismatch' }),
    );
  });

  test('different tensors under one hash are refused', async () => {
    const other = changed(
      whole,
      (same) => same,
      (tensors) => {
        const name = [...tensors.keys()].find((each) => each.startsWith('teacher.'))!;
        const entry = tensors.get(name)!;
        tensors.set(name, { ...entry, data: Float32Array.from(entry.data as Float32Array, (v) => v + 1) });
      },
    );
    await expectNoNewTensors(() =>
      expect(loadDetectors([whole, other])).rejects.toMatchObject({ code: 'teacher-mismatch' }),
    );
  });

  test('where one cannot be loaded none stays', async () => {
    const broken = changed(whole, (description) => ({ ...description, format: 4 }));
    await expectNoNewTensors(() =>
      expect(loadDetectors([whole, broken])).rejects.toMatchObject({ code: 'artifact-version' }),
    );
    const stranger = changed(without, (description) => ({
      ...description,
      teacher: { ...description.teacher, sha256: 'b'.repeat(64) },
    }));
    await expectNoNewTensors(() =>
      expect(loadDetectors([whole, stranger])).rejects.toMatchObject({ code: 'teacher-mismatch' }),
    );
  });
});

describe('one detector is refused, by name and without a trace, with', () => {
  const refused = (work: () => Promise<unknown>, error: object): Promise<unknown> =>
    expectNoNewTensors(() => expect(work()).rejects.toMatchObject(error));

  test('no teacher', () =>
    refused(() => loadDetector(without), {
      code: 'teacher-mismatch',
      message: expect.stringContaining('does not hold its teacher resnet18') as string,
    }));

  test('a teacher of another hash', async () => {
    const stranger = { ...teacher, sha256: 'b'.repeat(64) };
    await refused(() => loadDetector(whole, { teacher: stranger }), {
      code: 'teacher-mismatch',
      details: { wanted: '1'.repeat(64), got: 'b'.repeat(64) },
    });
  });

  test('a teacher of other levels, or with another input transform', async () => {
    const { extractor } = teacher;
    const shallow = { ...teacher, extractor: { ...extractor, levels: extractor.levels.slice(0, 1) } };
    const message = expect.stringContaining('takes levels layer1, layer2') as string;
    await refused(() => loadDetector(without, { teacher: shallow }), {
      code: 'teacher-mismatch',
      message,
    });
  });

  test('a student made for another input size', () =>
    refused(() => loadDetector(changed(whole, (description) => ({ ...description, inputSize: [64, 32] }))), {
      code: 'input-size-mismatch',
      message: "The student 'local' is made for images of 32x32 pixels, the detector for 64x32.",
    }));

  test('a student whose maps are not those of the teacher at that size', () => {
    const file = changed(
      whole,
      (description) => ({
        ...description,
        branches: description.branches.slice(0, 1),
        config: withBranches(
          description,
          (branch) => ({
            ...branch,
            student: {
              ...branch.student,
              mapSizes: [
                [16, 16],
                [8, 8],
              ],
            },
          }),
          1,
        ),
      }),
      (tensors) => {
        for (const name of tensors.keys()) if (name.startsWith('dskd.global.')) tensors.delete(name);
      },
    );
    return refused(() => loadDetector(file), {
      code: 'input-size-mismatch',
      message: expect.stringContaining('gives 8x8x64, 4x4x128') as string,
    });
  });

  test('students that ask for more weights than the file holds, before they are made', () => {
    const file = changed(whole, (description) => ({
      ...description,
      config: withBranches(description, (branch) => ({
        ...branch,
        student: {
          ...branch.student,
          architecture: { ...branch.student.architecture, phiChannels: 1_000_000 },
        },
      })),
    }));
    return refused(() => loadDetector(file), {
      code: 'weights-mismatch',
      message: expect.stringContaining('by its description; the file holds') as string,
    });
  });

  test('a tensor too many or too few in a student', async () => {
    const name = 'dskd.local.decoder.extra';
    const more = changed(
      whole,
      (same) => same,
      (tensors) => tensors.set(name, { dtype: 'F32', shape: [1], data: Float32Array.of(1) }),
    );
    await refused(() => loadDetector(more), { code: 'weights-mismatch' });
    const fewer = changed(
      whole,
      (same) => same,
      (tensors) => tensors.delete([...tensors.keys()].find((each) => each.startsWith('dskd.global.'))!),
    );
    await refused(() => loadDetector(fewer), { code: 'weights-mismatch' });
  });

  test('branches that are not those of its model', async () => {
    const renamed = changed(whole, ({ branches, ...rest }) => ({
      ...rest,
      branches: branches.map((branch) => ({ ...branch, name: `${branch.name}2` })),
    }));
    const fewer = changed(whole, ({ branches, ...rest }) => ({ ...rest, branches: branches.slice(0, 1) }));
    for (const file of [renamed, fewer])
      await refused(() => loadDetector(file), { code: 'artifact-invalid' });
  });

  test('an unknown method', () =>
    refused(
      () =>
        loadDetector(
          changed(
            whole,
            (description) => ({ ...description, method: 'mystery' }),
            (tensors) => {
              for (const [name, entry] of [...tensors]) {
                if (!name.startsWith('dskd.')) continue;
                tensors.delete(name);
                tensors.set(name.replace(/^dskd/, 'mystery'), entry);
              }
            },
          ),
        ),
      {
        code: 'invalid-argument',
        message: expect.stringContaining("'mystery'; wanted one of ae, ae-ssim, dskd, ") as string,
      },
    ));

  test('an unknown teacher or objective', async () => {
    const unknown = changed(whole, (description) => ({
      ...description,
      teacher: { ...description.teacher, name: 'vgg16' },
    }));
    await refused(() => loadDetector(unknown), {
      code: 'invalid-argument',
      message: expect.stringContaining("'vgg16'") as string,
    });
    const objective = changed(whole, (description) => ({
      ...description,
      config: withBranches(description, (branch) => ({
        ...branch,
        objective: { name: 'mystery', options: {} },
      })),
    }));
    await refused(() => loadDetector(objective), {
      code: 'invalid-argument',
      message: expect.stringContaining("'mystery'") as string,
    });
  });
});
