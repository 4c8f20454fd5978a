import '@tensorflow/tfjs';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { Teacher } from '@dskd/models';
import { tinyOptions, tinyTeacher, type TinyChanges } from '../tiny-world.test.util.js';
import { trainDetector } from './train-detector.js';

let teacher: Teacher;
beforeAll(async () => {
  await useBackend('wasm');
  teacher = tinyTeacher();
});
afterAll(() => teacher.dispose());

/** What training says where every student would be trained elsewhere, by somebody who knows everything. */
async function refusalOf(changes: TinyChanges): Promise<unknown> {
  const asked: string[] = [];
  const runner = ({ name }: { name: string }): never => {
    asked.push(name);
    throw new Error('A student was asked for.');
  };
  const refusal = await expectNoNewTensors(() =>
    trainDetector(tinyOptions(teacher, { runner, ...changes })).catch((error: unknown) => error),
  );
  expect(asked).toEqual([]);
  return refusal;
}

test('an objective that only workers know', async () => {
  const own = {
    branch: 'local',
    objective: { name: 'unheard-of', options: {} },
    optimizer: { learningRate: 0.1 },
  } as const;
  expect(await refusalOf({ branches: { own } })).toMatchObject({
    code: 'invalid-argument',
    message: expect.stringContaining("'unheard-of'") as string,
  });
});

test.each(['mine', '', 'A'.repeat(64)])(
  "a teacher of the hash '%s', which no file could hold",
  async (sha256) => {
    expect(await refusalOf({ teacher: { ...teacher, sha256 } })).toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('SHA-256') as string,
    });
  },
);
