import type { PixelBuffer } from '@dskd/base';
import type { Teacher } from '@dskd/models';
import { useBackend } from '@dskd/test-support';
import { tinySource, tinyTeacher } from '../tiny-world.test.util.js';
import { instantDetector } from './instant.test.util.js';

let teacher: Teacher;
/** Images with a dark corner. */
let corners: PixelBuffer[];

beforeAll(async () => {
  await useBackend('wasm');
  teacher = tinyTeacher();
  const faulty = tinySource().samples.filter(({ label }) => label === 'anomalous');
  corners = await Promise.all(faulty.map((each) => each.load()));
});
afterAll(() => teacher.dispose());

test.each(['patchcore', 'fre', 'gaussian'])('%s learns and forgets', async (method) => {
  const other = await instantDetector(teacher, { method });
  const before = other.save({ embedTeacher: false });
  const score = async (): Promise<number> => (await other.predict(corners[0]!)).score;
  const untaught = await score();
  await other.extend(corners);
  expect(await score()).toBeLessThan(untaught);
  other.forget();
  expect(Buffer.compare(other.save({ embedTeacher: false }), before)).toBe(0);
  other.dispose();
});
