import { backboneInfo, type BackboneName } from '@dskd/models';
import type { Teacher } from '@dskd/models';

/** A teacher of which only the description may be asked: nothing may be computed. */
export function describedTeacher(name: BackboneName): Teacher {
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
