import * as tf from '@tensorflow/tfjs';
import { randomStream } from '@dskd/base';
import { gaussianBlur, upsampleBilinear } from '@dskd/core';
import { describeBackends, expectClose, expectNoNewTensors, integerFill } from '@dskd/test-support';
import { imageScores } from './index.js';
import { smoothMaps } from './smooth-maps.js';

const [HEIGHT, WIDTH] = [9, 7];
const SIGMA = 1.1;

function randomMap(seed: number): Float32Array {
  const random = randomStream(seed, 'map');
  return Float32Array.from({ length: HEIGHT * WIDTH }, () => random.uniform() * 4 - 1);
}

function stack(...maps: readonly Float32Array[]): tf.Tensor3D {
  return tf.tensor3d(
    maps.flatMap((map) => [...map]),
    [maps.length, HEIGHT, WIDTH],
  );
}

/** The border of a letterbox, and a hole. */
function someIgnored(): Uint8Array {
  return Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    return y < 2 || (x === 3 && y === 5) ? 1 : 0;
  });
}

/** Pixel by pixel: weights of counting pixels only, over mirrored edges as scipy has them. */
function slowSmooth(map: Float32Array, ignored: Uint8Array, sigma: number): number[] {
  const radius = Math.trunc(4 * sigma + 0.5);
  const mirror = (i: number, side: number): number => {
    while (i < 0 || i >= side) i = i < 0 ? -1 - i : 2 * side - 1 - i;
    return i;
  };
  const smoothed = Array.from(map, (_, at) => {
    if (ignored[at]) return NaN;
    let [sum, weights] = [0, 0];
    for (let dy = -radius; dy <= radius; dy++) {
      for (let dx = -radius; dx <= radius; dx++) {
        const x = mirror((at % WIDTH) + dx, WIDTH);
        const y = mirror(Math.floor(at / WIDTH) + dy, HEIGHT);
        if (ignored[y * WIDTH + x]) continue;
        const weight = Math.exp((-0.5 * (dx ** 2 + dy ** 2)) / sigma ** 2);
        sum += weight * map[y * WIDTH + x]!;
        weights += weight;
      }
    }
    return sum / weights;
  });
  const lowest = Math.min(...smoothed.filter((value) => !Number.isNaN(value)));
  return smoothed.map((value) => (Number.isNaN(value) ? lowest : value));
}

describeBackends('smoothMaps', () => {
  test('agrees with a slow oracle, image by image', async () => {
    const [first, second] = [randomMap(1), randomMap(2)];
    const [hole, all] = [someIgnored(), new Uint8Array(HEIGHT * WIDTH)];
    const maps = stack(first, second);
    const wanted = [...slowSmooth(first, hole, SIGMA), ...slowSmooth(second, all, SIGMA)];
    await expectNoNewTensors(async () => {
      const smoothed = smoothMaps(maps, SIGMA, { ignored: [hole, null] });
      expectClose(await smoothed.data(), wanted, { relative: 1e-5 });
      const scores = await imageScores(smoothed);
      const counted = wanted.filter((_, i) => i >= HEIGHT * WIDTH || !hole[i]);
      expectClose(
        scores,
        [Math.max(...counted.slice(0, -HEIGHT * WIDTH)), Math.max(...counted.slice(-HEIGHT * WIDTH))],
        { relative: 1e-5 },
      );
      smoothed.dispose();
    });
    maps.dispose();
  });

  test('several masked maps of a real size: the mean of a constant is the constant', async () => {
    const side = 48;
    const mask = new Uint8Array(side * side).fill(1, 0, 7 * side);
    await expectNoNewTensors(async () => {
      const maps = tf.fill<tf.Rank.R3>([2, side / 4, side / 4], 0.7);
      const smoothed = smoothMaps(maps, 2, { size: [side, side], ignored: [mask, mask] });
      const values = await smoothed.data();
      tf.dispose([maps, smoothed]);
      expectClose(values, new Float32Array(2 * side * side).fill(0.7), { relative: 1e-5 });
    });
  });

  test('ignored pixels change nothing, whatever their value', async () => {
    const hole = someIgnored();
    const plain = randomMap(3);
    const poisoned = plain.map((value, i) => (hole[i] ? 1e6 : value));
    const results = [];
    for (const map of [plain, poisoned]) {
      const maps = stack(map);
      const smoothed = smoothMaps(maps, SIGMA, { ignored: [hole] });
      results.push([...(await smoothed.data())]);
      tf.dispose([maps, smoothed]);
    }
    expect(results[1]).toEqual(results[0]);
  });

  test('an image without ignored pixels is the plain Gaussian, whatever is beside it in the batch', async () => {
    const maps = stack(randomMap(4), randomMap(5));
    const plain = gaussianBlur(maps, SIGMA);
    const none = smoothMaps(maps, SIGMA);
    const beside = smoothMaps(maps, SIGMA, { ignored: [null, someIgnored()] });
    const wanted = [...(await plain.data())];
    expect([...(await none.data())]).toEqual(wanted);
    expect([...(await beside.data())].slice(0, HEIGHT * WIDTH)).toEqual(wanted.slice(0, HEIGHT * WIDTH));
    tf.dispose([maps, plain, none, beside]);
  });

  test('with a size, maps are resized first; masks have that size, and change nothing for other images', async () => {
    const small = tf.tensor3d(integerFill('small', [2, 4, 3]), [2, 4, 3]);
    const hole = someIgnored();
    await expectNoNewTensors(async () => {
      const size = [HEIGHT, WIDTH] as const;
      const whole = upsampleBilinear(small, size, { alignCorners: false });
      const alone = smoothMaps(small, SIGMA, { size });
      const [got, wanted] = [small, whole].map((maps) =>
        smoothMaps(maps, SIGMA, { size, ignored: [hole, null] }),
      );
      expectClose(await got!.data(), await wanted!.data(), { absolute: 1e-5, relative: 1e-5 });
      const places = HEIGHT * WIDTH;
      expect((await got!.data()).slice(places)).toEqual((await alone.data()).slice(places));
      tf.dispose([whole, alone, got!, wanted!]);
    });
    small.dispose();
  });

  test('a single counting pixel keeps its value; sigma 0 keeps them all', async () => {
    const map = randomMap(6);
    const maps = stack(map);
    const only = new Uint8Array(HEIGHT * WIDTH).fill(1);
    only[17] = 0;
    const alone = smoothMaps(maps, SIGMA, { ignored: [only] });
    expectClose(await alone.data(), Array<number>(HEIGHT * WIDTH).fill(map[17]!), { relative: 1e-5 });
    const hole = someIgnored();
    const sharp = smoothMaps(maps, 0, { ignored: [hole] });
    const lowest = Math.min(...map.filter((_, i) => !hole[i]));
    expect([...(await sharp.data())]).toEqual([...map].map((value, i) => (hole[i] ? lowest : value)));
    tf.dispose([maps, alone, sharp]);
  });

  test('refuses masks that cover everything or have another size', async () => {
    const maps = stack(randomMap(7), randomMap(8));
    const everything = new Uint8Array(HEIGHT * WIDTH).fill(9);
    await expectNoNewTensors(() => {
      expect(() => smoothMaps(maps, 1, { ignored: [null, everything] })).toThrow(
        'image 1 covers every pixel',
      );
      expect(() => smoothMaps(maps, 1, { ignored: [null, new Uint8Array(4)] })).toThrow('of 4 pixels');
      expect(() => smoothMaps(maps, 1, { ignored: [null] })).toThrow('1 ignore masks for 2 maps');
      return Promise.resolve();
    });
    maps.dispose();
  });
});
