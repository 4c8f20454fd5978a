import { isDskdError } from '@dskd/base';
import { assertAugmentation, type Augmentation, gcadAugmentation } from './augmentation.js';

function problemsOf(value: unknown): unknown {
  try {
    assertAugmentation(value);
  } catch (error) {
    return isDskdError(error, 'invalid-config') ? error.details.problems : error;
  }
  return undefined;
}

test.each<Augmentation>([
  {},
  { flips: {} },
  { flips: { horizontal: true } },
  { rotation: { degrees: 180 } },
  { colorJitter: { brightness: 0, contrast: 2, saturation: 0.5, hue: 0.5, probability: 0 } },
  gcadAugmentation(),
])('accepts %j', (augmentation) => {
  expect(problemsOf(augmentation)).toBeUndefined();
  expect(problemsOf(JSON.parse(JSON.stringify(augmentation)))).toBeUndefined();
});

test.each<[unknown, string[]]>([
  [null, ['got null, wanted an object']],
  [[], ['got [], wanted an object']],
  [{ rotate: { degrees: 3 } }, ["'rotate' is unknown, wanted flips, rotation, colorJitter"]],
  [{ toString: {} }, ["'toString' is unknown, wanted flips, rotation, colorJitter"]],
  [{ rotation: 3 }, ['rotation is 3, wanted an object']],
  [{ rotation: {} }, ['rotation.degrees is missing']],
  [{ rotation: { degrees: -3 } }, ['rotation.degrees is -3, wanted a number from 0 to 180']],
  [{ rotation: { degrees: Number.NaN } }, ['rotation.degrees is NaN, wanted a number from 0 to 180']],
  [{ flips: { horizontal: 1 } }, ['flips.horizontal is 1, wanted true or false']],
  [
    { flips: { diagonal: true }, colorJitter: { hue: 0.6, contrast: Infinity, probability: '1' } },
    [
      "'flips.diagonal' is unknown, wanted horizontal, vertical",
      'colorJitter.hue is 0.6, wanted a number from 0 to 0.5',
      'colorJitter.contrast is Infinity, wanted a finite number of at least 0',
      'colorJitter.probability is 1, wanted a number from 0 to 1',
    ],
  ],
])('refuses %j with every problem', (value, problems) => {
  expect(problemsOf(value)).toEqual(problems);
});

test('GCAD: 3 degrees and colors for all categories, flips where both orientations are valid', () => {
  const flipped = (category?: string): unknown => gcadAugmentation(category).flips;
  const both = { horizontal: true, vertical: true };
  const none = { horizontal: false, vertical: false };
  for (const category of ['pushpins', 'screw_bag', 'splicing_connectors']) {
    expect(flipped(category)).toEqual(both);
  }
  for (const category of ['breakfast_box', 'juice_bottle', 'transistor', undefined]) {
    expect(flipped(category)).toEqual(none);
    expect(gcadAugmentation(category)).toMatchObject({
      rotation: { degrees: 3 },
      colorJitter: { brightness: 0.1, contrast: 0.1, saturation: 0.1 },
    });
  }
});
