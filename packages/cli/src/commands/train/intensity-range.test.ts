import { resolveOptions } from '../../options/resolve.js';
import { trainOptions } from '../train.js';
import { trainingChoices } from './training-options.js';

const of = (intensityRange?: string): ReturnType<typeof trainingChoices> =>
  trainingChoices(resolveOptions('train', trainOptions, { flags: { data: 'x', intensityRange } }));

test('a range of 16-bit values, or auto, and recorded as it was given', () => {
  expect(of().input).not.toHaveProperty('intensityRange');
  expect(of('auto').input?.intensityRange).toBe('auto');
  const { input, recorded } = of('21000:21400');
  expect(input?.intensityRange).toEqual([21_000, 21_400]);
  expect(recorded).toMatchObject({ intensityRange: '21000:21400' });
});

test.each(['5', '9:5', '5:5', '0:65536', '-1:5', '1.5:2', 'a:b'])('%j is refused', (given) => {
  expect(() => of(given)).toThrow(/wanted auto, or two whole numbers from 0 to 65535, the lower one first/);
});
