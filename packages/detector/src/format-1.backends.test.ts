import { createHash } from 'node:crypto';
import { describeBackends, expectClose, TOLERANCES } from '@dskd/test-support';
import { fixtureBytes, fixtureExpected, fixturePicture, fixtureTeacher } from './format-1.test.util.js';
import { loadDetector } from './load-detector.js';
import type { Teacher } from './teacher.js';

describeBackends('a file that the last version of format 1 wrote', (backend) => {
  const expected = fixtureExpected();
  let teacher: Teacher;
  beforeAll(() => (teacher = fixtureTeacher()));
  afterAll(() => teacher.dispose());

  test('is unchanged, and gives the scores and maps it gave then', async () => {
    const bytes = fixtureBytes();
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(expected.sha256);
    const detector = await loadDetector(bytes, { teacher });
    const predictions = await detector.predict([fixturePicture(100, false), fixturePicture(101, true)]);
    const relative = TOLERANCES[backend].network;
    for (const [index, wanted] of expected.predictions.entries()) {
      const got = predictions[index]!;
      expectClose([got.score], [wanted.score], { relative });
      expectClose(got.map.data, wanted.map, { relative });
      expect(got.pValue).toBe(wanted.pValue);
      expect(got.verdict).toBe(wanted.verdict);
      for (const [name, score] of Object.entries(wanted.branches)) {
        expectClose([got.branches[name]!.score], [score], { relative });
      }
    }
    detector.dispose();
  });

  test('is format 2 once loaded, with all that format 1 said', async () => {
    const detector = await loadDetector(fixtureBytes(), { teacher });
    const { training, ...rest } = expected.description;
    expect(detector.description).toMatchObject({
      ...rest,
      format: 2,
      resize: { fit: 'squeeze', filter: 'bilinear-antialiased', fill: null },
      storage: 'float32',
      ignored: false,
    });
    expect(detector.description.trainings).toEqual([
      { ...training, branches: ['local', 'global'], augmentation: null, options: {} },
    ]);
    const again = await loadDetector(detector.save({ embedTeacher: false }), { teacher });
    expect(again.description).toEqual(detector.description);
    again.dispose();
    detector.dispose();
  });
});
