import { preparePixels } from '@dskd/data';
import { TRAINING_DEFAULTS } from '@dskd/methods';

test('the default color of a letterbox is that of preparePixels', () => {
  const pixels = { data: new Uint8Array(6), width: 2, height: 1, channels: 3 };
  const input = { width: 2, height: 3, fit: 'letterbox' } as const;
  const { data } = preparePixels(pixels, { ...input, fill: TRAINING_DEFAULTS.fill });
  expect(data).toEqual(preparePixels(pixels, input).data);
  expect([...data.subarray(0, 3)]).toEqual([...TRAINING_DEFAULTS.fill]);
});
