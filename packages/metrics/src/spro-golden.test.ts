import { readGolden } from '@dskd/test-support';
import { ProAccumulator, SproAccumulator } from './index.js';
import { SPRO_LIMITS } from './spro.js';

const SUBSETS = ['good', 'logical', 'structural'];

test.each(['distinct', 'ties', 'far-from-zero', 'negative'])(
  'is equal to the definition in numpy: %s',
  async (name) => {
    const golden = await readGolden(new URL('../test/fixtures/spro.safetensors', import.meta.url));
    const maps = golden.array(`${name}.maps`);
    const masks = golden.array(`${name}.masks`).data;
    const saturation = golden.array(`${name}.saturation`).data;
    const [images, height, width] = maps.shape as [number, number, number];
    const pixels = height * width;
    const spro = new SproAccumulator();
    const pro = SPRO_LIMITS.map((limit) => new ProAccumulator({ limit }));
    for (let image = 0; image < images; image++) {
      const map = Float32Array.from(maps.data.subarray(image * pixels, (image + 1) * pixels));
      const regions = [0, 1, 2]
        .map((defect) => 3 * image + defect)
        .filter((at) => saturation[at]! > 0)
        .map((at) => ({
          mask: Uint8Array.from(masks.subarray(at * pixels, (at + 1) * pixels)),
          saturationArea: saturation[at]!,
        }));
      const sample = { name: `${image}`, map, width, height };
      spro.add({ ...sample, subset: SUBSETS[image % 3]!, regions });
      const union = map.map((_, i) => (regions.some(({ mask }) => mask[i]) ? 1 : 0));
      const mask = regions.length > 0 ? Uint8Array.from(union) : null;
      for (const accumulator of pro) accumulator.add({ ...sample, mask });
    }
    const { subsets } = spro.result();
    SPRO_LIMITS.forEach((_, i) => {
      for (const subset of ['logical', 'structural']) {
        const wanted = golden.array(`${name}.${subset}`).data[i]!;
        expect(Math.abs(subsets[subset]!.limits[i]!.value - wanted)).toBeLessThan(1e-9);
      }
      const wanted = golden.array(`${name}.pro`).data[i]!;
      expect(Math.abs(pro[i]!.result()!.area.value - wanted)).toBeLessThan(1e-9);
    });
  },
);
