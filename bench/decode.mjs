// node bench/decode.mjs: from a JPEG of 1920 x 1080 to a tensor of 256 x 256, next to sharp's own decoding and resizing in
// the same rounds; regions of a map; and how long the event loop is blocked. Writes bench/results/decode.json.
// sharp's own resize decodes a smaller image (shrink on load) and is not Pillow's; `wholeImage` decodes the same pixels as
// ours, then resizes them; `quarter` only decodes at a quarter of both sides, as shrink on load would.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { performance } from 'node:perf_hooks';
import * as tf from '@tensorflow/tfjs';
import { preparePixels, preparePixelsInSlices, toImageTensor } from '@dskd/data';
import { decodeImage } from '@dskd/data/node';
import { findRegions } from '@dskd/scoring';
import sharp from 'sharp';
import { longestTurn } from './longest-turn.mjs';

const [WIDTH, HEIGHT, SIDE] = [1920, 1080, 256];
const ROUNDS = Number(process.env.ROUNDS ?? 41);

await tf.setBackend('cpu');

/** Gradients with texture, of the same bytes in every run. */
function photograph(width, height) {
  const data = new Uint8Array(width * height * 3);
  let state = 1;
  for (let at = 0; at < data.length; at++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    const pixel = Math.floor(at / 3);
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const value = 128 + 60 * Math.sin(x / 40 + (at % 3)) + 50 * Math.cos(y / 30);
    data[at] = Math.round(value + ((state >> 16) % 17) - 8);
  }
  return { data, width, height, channels: 3 };
}

const encoded = (image) =>
  sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
const jpeg = await encoded(photograph(WIDTH, HEIGHT));
const image = await decodeImage(jpeg);
const prepared = preparePixels(image, { height: SIDE, width: SIDE });
const map = Float32Array.from(
  { length: SIDE * SIDE },
  (_, i) => Math.sin((i % SIDE) / 9) * Math.cos(i / SIDE / 7),
);
const resized = (input) => input.resize(SIDE, SIDE, { fit: 'fill' }).raw().toBuffer();
const raw = { raw: { width: WIDTH, height: HEIGHT, channels: 3 } };

const work = {
  toTensor: async () => {
    toImageTensor([
      await preparePixelsInSlices(await decodeImage(jpeg), { height: SIDE, width: SIDE }),
    ]).dispose();
  },
  sharp: () => resized(sharp(jpeg)),
  wholeImage: async () => resized(sharp(await sharp(jpeg).raw().toBuffer(), raw)),
  decode: () => decodeImage(jpeg),
  sharpDecode: () => sharp(jpeg).raw().toBuffer(),
  quarter: () =>
    sharp(jpeg)
      .resize(WIDTH / 4, HEIGHT / 4, { fit: 'fill', kernel: 'nearest' })
      .raw()
      .toBuffer(),
  prepare: () => preparePixels(image, { height: SIDE, width: SIDE }),
  tensor: () => toImageTensor([prepared]).dispose(),
  regions: () => findRegions(map, { width: SIDE, height: SIDE, threshold: 0 }),
  regionsOfAll: () => findRegions(map, { width: SIDE, height: SIDE, threshold: -2 }),
};

const rounds = Object.fromEntries(Object.keys(work).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  // In another order each time: what comes first waits for the garbage of the last.
  const names = Object.keys(work);
  for (let place = 0; place < names.length; place++) {
    const name = names[(place + 2 * round) % names.length];
    const run = work[name];
    const start = performance.now();
    await run();
    // The first rounds compile.
    if (round >= 5) rounds[name].push(performance.now() - start);
  }
}
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const rounded = (value) => Math.round(value * 100) / 100;
const ratio = (name, other) =>
  rounded(median(rounds[name].map((value, round) => value / rounds[other][round])));

/** @param atATime images that are decoded at once, as in a training. */
const blocked = (bytes, atATime = 1) =>
  longestTurn(async () => {
    const prepared = await Promise.all(
      Array.from({ length: atATime }, async () =>
        preparePixelsInSlices(await decodeImage(bytes), { height: SIDE, width: SIDE }),
      ),
    );
    toImageTensor(prepared).dispose();
  });

/** Larger images have each pixel several times: making as many of their own would take minutes. */
const large = photograph(4000, 3000);
const enlarged = (width, height) =>
  sharp(large.data, { raw: { width: large.width, height: large.height, channels: 3 } }).resize(
    width,
    height,
    {
      fit: 'fill',
      kernel: 'nearest',
    },
  );
const files = {
  '1920x1080': jpeg,
  '4000x3000': await encoded(large),
  '4000x3000, TIFF of 16 bits': await enlarged(4000, 3000).toColourspace('rgb16').tiff().toBuffer(),
  '6000x4000': await enlarged(6000, 4000).jpeg({ quality: 90 }).toBuffer(),
  '8660x5773': await enlarged(8660, 5773).jpeg({ quality: 90 }).toBuffer(),
};
const longestBlock = {};
for (const [name, bytes] of Object.entries(files)) longestBlock[name] = await blocked(bytes);
longestBlock['4000x3000, two at a time'] = await blocked(files['4000x3000'], 2);

const result = {
  image: { width: WIDTH, height: HEIGHT, bytes: jpeg.length },
  side: SIDE,
  rounds: ROUNDS - 5,
  milliseconds: Object.fromEntries(
    Object.entries(rounds).map(([name, values]) => [name, rounded(median(values))]),
  ),
  fastest: Object.fromEntries(
    Object.entries(rounds).map(([name, values]) => [name, rounded(Math.min(...values))]),
  ),
  ratios: {
    toTensorToSharp: ratio('toTensor', 'sharp'),
    toTensorToWholeImage: ratio('toTensor', 'wholeImage'),
    decodeToSharpDecode: ratio('decode', 'sharpDecode'),
    quarterToSharpDecode: ratio('quarter', 'sharpDecode'),
  },
  longestBlock,
  processor: cpus()[0].model,
  cores: availableParallelism(),
  load: rounded(loadavg()[0]),
  sharp: sharp.versions.sharp,
};
mkdirSync(new URL('results/', import.meta.url), { recursive: true });
writeFileSync(new URL('results/decode.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
console.log(JSON.stringify(result, null, 2));
