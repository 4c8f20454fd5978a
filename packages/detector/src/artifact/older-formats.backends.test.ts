import { createHash } from 'node:crypto';
import { describeBackends, expectClose, TOLERANCES } from '@dskd/test-support';
import { FORMAT_VERSION } from './description.js';
import { loadDetector } from './load-detector.js';
import { fixtureBytes, fixtureExpected, fixtureImage, fixtureTeacher } from './older-formats.test.util.js';
import type { Teacher } from '@dskd/models';

describeBackends('files that the last versions of formats 1 and 2 wrote', (backend) => {
  let teacher: Teacher;
  beforeAll(() => (teacher = fixtureTeacher()));
  afterAll(() => teacher.dispose());

  test.each([1, 2] as const)(
    'format %i is unchanged, and gives the scores and maps it gave then',
    async (format) => {
      const expected = fixtureExpected(format);
      const bytes = fixtureBytes(format);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(expected.sha256);
      const detector = await loadDetector(bytes, { teacher });
      const predictions = await detector.predict([fixtureImage(100, false), fixtureImage(101, true)]);
      // The fixtures were made on wasm: there the scores are the same bits.
      const relative = backend === 'wasm' ? 0 : TOLERANCES[backend].network;
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
    },
  );

  test.each([1, 2] as const)(
    'format %i becomes the current format once loaded, with all that it said',
    async (format) => {
      const was = fixtureExpected(format).description as {
        readonly branches: readonly { readonly mean: number; readonly standardDeviation: number }[];
        readonly calibration: { readonly pictures: string; readonly scores: readonly number[] };
        readonly trainings?: readonly { readonly pictures: number }[];
        readonly training?: { readonly pictures: number };
      };
      const detector = await loadDetector(fixtureBytes(format), { teacher });
      const { description } = detector;
      expect(description.format).toBe(FORMAT_VERSION);
      expect(description.resize).toEqual({ fit: 'stretch', filter: 'bilinear-antialiased', fill: null });
      expect(description.fusion.normalization).toBe(format === 1 ? 'moments' : 'quantiles');
      expect(description.branches.map(({ normalization }) => normalization)).toEqual(
        was.branches.map(({ mean, standardDeviation }) => ({ offset: mean, scale: standardDeviation })),
      );
      expect(description.calibration).toEqual({
        images: was.calibration.pictures,
        scores: was.calibration.scores,
      });
      const [training] = description.trainings;
      expect(training!.images).toBe((was.training ?? was.trainings![0]!).pictures);
      expect(training!.augmentation).toEqual(
        format === 1 ? null : { flips: { horizontal: true }, colorJitter: { brightness: 0.1 } },
      );
      if (format === 2) {
        const rates = { local: { learningRate: 0.005 }, global: { learningRate: 0.001 } };
        expect(training!.fit).toMatchObject({ initialize: { global: 'random' }, optimizers: rates });
      }
      const again = await loadDetector(detector.save({ embedTeacher: false }), { teacher });
      expect(again.description).toEqual(description);
      again.dispose();
      detector.dispose();
    },
  );
});
