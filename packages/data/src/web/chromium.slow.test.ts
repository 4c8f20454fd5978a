import { deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import type { PixelBuffer } from '@dskd/base';
import { chromiumMissing, runInChromium } from '@dskd/test-support';
import { decodeImage } from '../node/decode.js';
import { makeBmp } from '../node/fabricate-bmp.test.util.js';
import { makePng } from '../node/fabricate.test.util.js';

if (chromiumMissing) console.log(`SKIPPED decoding in Chromium: ${chromiumMissing}`);

const WIDTH = 48;
const HEIGHT = 32;
/** Gradients and a sharp edge, so that errors in orientation, color and compression are visible. */
const pixels = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, index) => {
  const x = Math.floor(index / 3) % WIDTH;
  const y = Math.floor(index / 3 / WIDTH);
  return [x * 5, y * 7, x > 20 && y < 12 ? 230 : 60][index % 3]!;
});
const image = (): Sharp => sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
const noise = Array.from({ length: 16 }, (_, y) =>
  Array.from({ length: 16 * 4 }, (_, x) => (x * x * 31 + y * y * 17 + x * y) % 256),
);

async function fixtures(): Promise<Record<string, Uint8Array>> {
  const { icc } = await sharp(await image().withIccProfile('p3').png().toBuffer()).metadata();
  const profile = Buffer.concat([Buffer.from('p3\0\0', 'latin1'), deflateSync(icc!)]);
  const size = { width: 16, height: 16, bitDepth: 8 } as const;
  const rgbRows = noise.map((row) => row.slice(0, 48));
  const bitmap = { width: 16, height: 16 } as const;
  const colors = Array.from({ length: 256 }, (_, i) => [i, (i * 7) % 256, 255 - i] as const);
  const files: Record<string, Uint8Array> = {
    'rgb.png': makePng({ ...size, colorType: 2, rows: rgbRows }),
    'gray.png': makePng({ ...size, colorType: 0, rows: noise.map((row) => row.slice(0, 16)) }),
    'palette.png': await image().png({ palette: true }).toBuffer(),
    'interlaced.png': await image().png({ progressive: true }).toBuffer(),
    'profile.png': makePng({ ...size, colorType: 2, rows: rgbRows, chunks: [['iCCP', profile]] }),
    'gamma.png': makePng({
      ...size,
      colorType: 2,
      rows: rgbRows,
      chunks: [['gAMA', Uint8Array.of(0, 1, 0x86, 0xa0)]],
    }),
    'deep.png': makePng({
      ...size,
      bitDepth: 16,
      colorType: 2,
      rows: rgbRows.map((row) => row.map((v) => v * 256 + 200)),
    }),
    'alpha.png': makePng({ ...size, colorType: 6, rows: noise }),
    // More pixels than are drawn at a time.
    'strips.png': makePng({
      width: 640,
      height: 450,
      bitDepth: 8,
      colorType: 6,
      rows: Array.from({ length: 450 }, (_, y) =>
        Array.from({ length: 640 * 4 }, (_, x) => (x * x * 31 + y * y * 17 + x * y) % 256),
      ),
    }),
    '1.bmp': makeBmp({
      ...bitmap,
      bits: 1,
      palette: colors.slice(0, 2),
      rows: noise.map((row) => row.slice(0, 2)),
    }),
    '4.bmp': makeBmp({
      ...bitmap,
      bits: 4,
      palette: colors.slice(0, 16),
      rows: noise.map((row) => row.slice(0, 8)),
    }),
    '8.bmp': makeBmp({ ...bitmap, bits: 8, palette: colors, rows: noise.map((row) => row.slice(0, 16)) }),
    '24.bmp': makeBmp({ ...bitmap, bits: 24, topDown: true, rows: rgbRows }),
    '32.bmp': makeBmp({ ...bitmap, bits: 32, rows: noise }),
    'alpha.bmp': makeBmp({ ...bitmap, bits: 32, alpha: true, rows: noise }),
    'bare.dib': makeBmp({ ...bitmap, bits: 24, bare: true, rows: rgbRows }),
    'lossy.webp': await image().webp({ quality: 80 }).toBuffer(),
    'lossless.webp': await image().webp({ lossless: true }).toBuffer(),
    'gray.jpg': await image().toColourspace('b-w').jpeg().toBuffer(),
    'full.jpg': await image().jpeg({ quality: 90, chromaSubsampling: '4:4:4' }).toBuffer(),
    'halved.jpg': await image().jpeg({ quality: 90, chromaSubsampling: '4:2:0' }).toBuffer(),
    'progressive.jpg': await image().jpeg({ quality: 80, progressive: true }).toBuffer(),
  };
  for (let orientation = 1; orientation <= 8; orientation++) {
    const turned = image().withMetadata({ orientation });
    files[`exif-${orientation}.jpg`] = await turned.clone().jpeg({ quality: 90 }).toBuffer();
    files[`exif-${orientation}.png`] = await turned.clone().png().toBuffer();
    files[`exif-${orientation}.webp`] = await turned.clone().webp({ lossless: true }).toBuffer();
  }
  return files;
}

const SCRIPT = `
  import { decodeImage, openFiles } from '@dskd/data/web';
  const names = await (await fetch('/files/names.json')).json();
  const decoded = {};
  for (const name of names) {
    const { data, ...size } = await decodeImage(new URL('/files/' + name, location.href));
    decoded[name] = { ...size, data: Array.from(data) };
  }
  const blob = await (await fetch('/files/rgb.png')).blob();
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  await image.decode();
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(16, 16);
  canvas.getContext('2d').drawImage(bitmap, 0, 0);
  const pixels = canvas.getContext('2d').getImageData(0, 0, 16, 16);
  const others = {};
  for (const [name, source] of Object.entries({ blob, image, bitmap, canvas, pixels })) {
    others[name] = Array.from((await decodeImage(source)).data);
  }
  const source = await openFiles([new File([blob], 'a.png')]);
  const whole = await (await fetch('/files/full.jpg')).blob();
  const cut = whole.slice(0, whole.size - 100);
  const refused = await decodeImage(cut).then(() => 'nothing', ({ code }) => code);
  await finish({ decoded, others, fingerprint: await source.fingerprint(), refused });
`;

interface Answer {
  readonly decoded: Readonly<Record<string, Omit<PixelBuffer, 'data'> & { readonly data: number[] }>>;
  readonly others: Readonly<Record<string, number[]>>;
  readonly fingerprint: string;
  readonly refused: string;
}

(chromiumMissing ? test.skip : test)('Chromium decodes to the same bytes as Node', async () => {
  const files = await fixtures();
  const names = Object.keys(files);
  const { value } = await runInChromium(SCRIPT, {
    imports: { '@dskd/base': 'base/dist/index.js', '@dskd/data/web': 'data/dist/web.js' },
    files: { ...files, 'names.json': Buffer.from(JSON.stringify(names)) },
  });
  const answer = value as Answer;

  const report = await Promise.all(
    names.map(async (name) => {
      const wanted = await decodeImage(files[name]!);
      const { data, ...size } = answer.decoded[name]!;
      const same = size.width === wanted.width && size.height === wanted.height && size.channels === 3;
      if (!same) return { name, worst: Infinity };
      const worst = data.reduce(
        (most, value, index) => Math.max(most, Math.abs(value - wanted.data[index]!)),
        0,
      );
      return { name, worst };
    }),
  );
  console.log(report.map(({ name, worst }) => `${name} ${worst}`).join(', '));
  expect(report.filter(({ worst }) => worst > 0)).toEqual([]);

  const rgb = [...(await decodeImage(files['rgb.png']!)).data];
  expect(answer.others).toEqual({ blob: rgb, image: rgb, bitmap: rgb, canvas: rgb, pixels: rgb });
  expect(answer.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  expect(answer.refused).toBe('image-unreadable');
});
