import { writeSafetensors } from '@dskd/weights';
import { DESCRIPTION, smallArtefact } from './artefact.test.util.js';
import { migrateDescription } from './artefact-migrations.js';
import { readArtefact } from './artefact.js';

function without(record: object, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));
}

/** The test description as format 1 had it. */
const training = without(DESCRIPTION.trainings[0]!, ['branches', 'augmentation', 'options']);
const FORMAT_1 = {
  ...without(DESCRIPTION, ['trainings', 'storage', 'ignored']),
  format: 1,
  resize: 'squeeze-bilinear-antialiased',
  training,
};

test('format 1 says the same in format 2', () => {
  expect(migrateDescription(FORMAT_1, 1)).toEqual(DESCRIPTION);
});

test('a file of format 1 is read as format 2', () => {
  const { tensors } = smallArtefact();
  const file = writeSafetensors(tensors, { dskd: JSON.stringify(FORMAT_1) });
  expect(readArtefact(file)).toEqual({ description: DESCRIPTION, tensors });
});

test('the current format is left as it is', () => {
  expect(migrateDescription(DESCRIPTION, 2)).toBe(DESCRIPTION);
});

test.each([
  ['resize', { ...FORMAT_1, resize: 'stretch' }, 'resize'],
  ['training', { ...FORMAT_1, training: 7 }, 'trainings.0'],
  ['seed', { ...FORMAT_1, training: { ...training, seed: 'one' } }, 'trainings.0.seed'],
  ['branches', { ...FORMAT_1, branches: {} }, 'branches'],
])('a format 1 with a wrong %s is refused by name', (_, description, path) => {
  const file = writeSafetensors(smallArtefact().tensors, { dskd: JSON.stringify(description) });
  expect(() => readArtefact(file)).toThrow(
    expect.objectContaining({
      code: 'artefact-invalid',
      message: expect.stringContaining(`  ${path}: `) as string,
    }) as Error,
  );
});
