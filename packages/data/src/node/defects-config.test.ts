import { saturationAreaOf } from './inspect-entry.js';
import { parseDefectsConfig } from './mvtec-loco-ad.js';

const entry = (changes: object = {}): object => ({
  defect_name: '1_additional_pushpin',
  pixel_value: 255,
  saturation_threshold: 6300,
  relative_saturation: false,
  ...changes,
});
const parse = (...entries: unknown[]): ReturnType<typeof parseDefectsConfig> =>
  parseDefectsConfig(JSON.stringify(entries));

test('reads the types of defects by their value in masks', () => {
  const { kinds, problems } = parse(
    entry(),
    entry({ defect_name: 'crack', pixel_value: 1, saturation_threshold: 0.25, relative_saturation: true }),
  );
  expect(problems).toEqual([]);
  expect(Object.fromEntries(kinds)).toEqual({
    1: { name: 'crack', saturationThreshold: 0.25, relativeSaturation: true },
    255: { name: '1_additional_pushpin', saturationThreshold: 6300, relativeSaturation: false },
  });
});

test.each([
  [{ defect_name: '' }, 'defect_name is ""; wanted a name'],
  [{ defect_name: undefined }, 'defect_name is missing; wanted a name'],
  [{ pixel_value: 0 }, 'pixel_value is 0; wanted a whole number from 1 to 255'],
  [{ pixel_value: 256 }, 'pixel_value is 256; wanted a whole number from 1 to 255'],
  [{ pixel_value: '255' }, 'pixel_value is "255"; wanted a whole number from 1 to 255'],
  [{ relative_saturation: 'no' }, 'relative_saturation is "no"; wanted true or false'],
  [{ saturation_threshold: 0 }, 'saturation_threshold is 0; wanted a number above 0'],
  [
    { saturation_threshold: 0.5 },
    'saturation_threshold is 0.5; wanted a whole number of pixels (it is not relative)',
  ],
  [
    { relative_saturation: true },
    "saturation_threshold is 6300; wanted at most 1, a fraction of the region's area (it is relative)",
  ],
])('%j is a problem', (changes, problem) => {
  expect(parse(entry(changes)).problems).toEqual([`entry 1: ${problem}`]);
});

test('reports all problems at once; two types with the same value are a problem', () => {
  const { problems } = parse(entry(), 7, entry({ defect_name: 'crack' }), entry({ pixel_value: -1 }));
  expect(problems).toEqual([
    'entry 2 is 7; wanted a defect type',
    'entry 3: crack has the same pixel_value 255 as 1_additional_pushpin',
    'entry 4: pixel_value is -1; wanted a whole number from 1 to 255',
  ]);
  expect(parseDefectsConfig('{}').problems).toEqual(['not a list of defect types']);
  expect(parseDefectsConfig('[').problems).toEqual([expect.stringMatching(/^not JSON \(.+\)$/)]);
});

test.each([
  // Absolute: unchanged, or the whole area of a smaller region.
  [6300, false, 10_000, 6300],
  [6300, false, 120, 120],
  // Relative: truncated to whole pixels, as by Python's int(), in double precision.
  [1, true, 7, 7],
  [0.5, true, 7, 3],
  [0.999, true, 1000, 999],
  [0.29, true, 100, 28],
  // Less than one pixel.
  [0.1, true, 5, 0],
])(
  'threshold %d (relative: %p) of %d pixels: %d',
  (saturationThreshold, relativeSaturation, area, wanted) => {
    expect(saturationAreaOf({ name: 'x', saturationThreshold, relativeSaturation }, area)).toBe(wanted);
  },
);
