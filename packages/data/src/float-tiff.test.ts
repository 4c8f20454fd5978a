import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomStream } from '@dskd/base';
import sharp from 'sharp';
import { encodeFloatTiff } from './float-tiff.js';

const [width, height] = [7, 5];
const random = randomStream(1, 'tiff');
const data = Float32Array.from({ length: width * height }, () => 1000 * random.normal());
// Near 16 and above, a tolerance of 1e-6 would hide errors. -0 and the smallest and largest numbers must keep their
// bits, too.
data.set([0, -0, 123456.79, 1e-45, -3.4028234663852886e38, 16.000001, 1 / 3]);

const bitsOf = (buffer: Uint8Array): number[] => {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  return Array.from({ length: buffer.length / 4 }, (_, i) => view.getUint32(4 * i, true));
};

/** Decodes with sharp, which repeats the channel for red, green and blue. */
async function readBack(tiff: Uint8Array): Promise<number[]> {
  const { data: pixels, info } = await sharp(tiff)
    .raw({ depth: 'float' })
    .toBuffer({ resolveWithObject: true });
  return bitsOf(pixels).filter((_, i) => i % info.channels === 0);
}

const wanted = [...new Uint32Array(data.buffer)];

test('libvips (sharp) reads back every bit, as one float channel of the same size', async () => {
  const tiff = encodeFloatTiff({ data, width, height });
  expect(await sharp(tiff).metadata()).toMatchObject({
    format: 'tiff',
    width,
    height,
    channels: 1,
    depth: 'float',
  });
  expect(await readBack(tiff)).toEqual(wanted);
});

test('a view into a larger buffer is written from its own offset', async () => {
  const part = data.subarray(width, 3 * width);
  const pixels = await readBack(encodeFloatTiff({ data: part, width, height: 2 }));
  expect(pixels).toEqual(wanted.slice(width, 3 * width));
});

test('Pillow reads back every bit, in mode F', async () => {
  const script = `
import sys
try:
    from PIL import Image
    import numpy
except ImportError:
    sys.exit('skip')
image = Image.open(sys.argv[1])
print(image.mode, *image.size, numpy.asarray(image).astype('<f4').tobytes().hex())
`;
  const folder = await mkdtemp(path.join(tmpdir(), 'dskd-tiff-'));
  try {
    const file = path.join(folder, 'map.tiff');
    await writeFile(file, encodeFloatTiff({ data, width, height }));
    let output: string;
    try {
      output = execFileSync(process.env.PYTHON ?? '/usr/bin/python3', ['-c', script, file], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    } catch (error) {
      const { code, stderr } = error as { code?: string; stderr?: string };
      if (code !== 'ENOENT' && stderr?.trim() !== 'skip') throw error;
      console.log('skipped: no Python with Pillow and numpy');
      return;
    }
    const [mode, ...rest] = output.trim().split(' ');
    expect(mode).toBe('F');
    expect(rest.slice(0, 2).map(Number)).toEqual([width, height]);
    expect(bitsOf(Buffer.from(rest[2]!, 'hex'))).toEqual(wanted);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('throws when the number of values does not match the size', () => {
  expect(() => encodeFloatTiff({ data, width, height: 4 })).toThrow('Got 35 values, wanted 7 x 4.');
  expect(() => encodeFloatTiff({ data, width: 0, height })).toThrow('positive integers');
});
