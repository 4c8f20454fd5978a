import type { DskdConfig } from '@dskd/methods';
import { writeSafetensors, type StateDict } from '@dskd/weights';
import { DESCRIPTION, smallArtifact } from './artifact.test.util.js';
import { migrateDescription } from './migrations.js';
import { readArtifact } from './artifact.js';

function without(record: object, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));
}

const CONFIG = DESCRIPTION.config as unknown as DskdConfig;

/** The small artifact's tensors as formats 1 and 2 called them. */
function oldTensors(): StateDict {
  const { tensors } = smallArtifact();
  return new Map([...tensors].map(([name, entry]) => [name.replace(/^dskd\./, 'students.'), entry]));
}

/** The test description as format 2 had it. */
const FORMAT_2 = {
  ...without(DESCRIPTION, ['method', 'config']),
  format: 2,
  resize: { ...DESCRIPTION.resize, fit: 'squeeze' },
  branches: DESCRIPTION.branches.map(({ name, normalization, calibrationScores }, index) => ({
    ...CONFIG.branches[index],
    name,
    mean: normalization.offset,
    standardDeviation: normalization.scale,
    calibrationScores,
  })),
  fusion: {
    levels: CONFIG.levels.fusion,
    alignCorners: CONFIG.levels.alignCorners,
    sigma: DESCRIPTION.fusion.sigma,
    normalisation: 'moments',
  },
  calibration: { pictures: DESCRIPTION.calibration.images, scores: DESCRIPTION.calibration.scores },
  trainings: [
    {
      ...without(DESCRIPTION.trainings[0]!, ['images', 'fit']),
      ...DESCRIPTION.trainings[0]!.fit,
      pictures: DESCRIPTION.trainings[0]!.images,
    },
  ],
};

/** The same as format 1 had it. */
const training = without(FORMAT_2.trainings[0]!, ['branches', 'augmentation', 'options']);
const FORMAT_1 = {
  ...without(FORMAT_2, ['trainings', 'storage', 'ignored']),
  format: 1,
  resize: 'squeeze-bilinear-antialiased',
  training,
};

test('formats 1 and 2 say the same in format 3', () => {
  expect(migrateDescription(FORMAT_1, 1)).toEqual(DESCRIPTION);
  expect(migrateDescription(FORMAT_2, 2)).toEqual(DESCRIPTION);
});

test('a file of format 1 is read as format 3', () => {
  const { tensors } = smallArtifact();
  const file = writeSafetensors(oldTensors(), { dskd: JSON.stringify(FORMAT_1) });
  expect(readArtifact(file)).toEqual({ description: DESCRIPTION, tensors });
});

test('the current format is left as it is', () => {
  expect(migrateDescription(DESCRIPTION, 3)).toBe(DESCRIPTION);
});

test.each([
  ['resize', { ...FORMAT_1, resize: 'stretch' }, 'resize'],
  ['training', { ...FORMAT_1, training: 7 }, 'trainings.0'],
  ['seed', { ...FORMAT_1, training: { ...training, seed: 'one' } }, 'trainings.0.seed'],
  ['branches', { ...FORMAT_1, branches: {} }, 'branches'],
])('a format 1 with a wrong %s is refused by name', (_, description, path) => {
  const file = writeSafetensors(oldTensors(), { dskd: JSON.stringify(description) });
  expect(() => readArtifact(file)).toThrow(
    expect.objectContaining({
      code: 'artifact-invalid',
      message: expect.stringContaining(`  ${path}: `) as string,
    }) as Error,
  );
});
