import '@tensorflow/tfjs';
import { backboneInfo, type BackboneName } from '@dskd/models';
import { useBackend } from '@dskd/test-support';
import type { Teacher } from './teacher.js';
import { tinySource } from './tiny-world.test.util.js';
import { trainDetector } from './train-detector.js';

beforeAll(() => useBackend('wasm'));

/** A teacher of which only the description is asked: nothing may be computed before the refusal. */
function describedTeacher(name: BackboneName): Teacher {
  const { levels, inputTransform } = backboneInfo(name);
  const refuse = (): never => {
    throw new Error('The teacher was used.');
  };
  return {
    extractor: {
      name,
      levels,
      inputTransform,
      outputShapes: ([height, width]) =>
        levels.map(({ stride, channels }) => [height / stride, width / stride, channels]),
      extract: refuse,
      dispose: refuse,
    },
    sha256: '0'.repeat(64),
    dispose: refuse,
  };
}

test('the paper preset on Wide-ResNet-50-2 is refused by name before it starts: 289 M parameters with Adam', async () => {
  const options = {
    source: tinySource(),
    teacher: describedTeacher('wide_resnet50_2'),
    preset: 'paper' as const,
  };
  await expect(trainDetector(options)).rejects.toMatchObject({
    code: 'out-of-memory',
    message: expect.stringContaining("the heap 'main' needs") as string,
  });
});
