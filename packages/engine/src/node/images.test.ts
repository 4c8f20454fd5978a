import { encodeImage } from '@dskd/data/node';
import { TEST_IMAGES } from '../small-detectors.test.util.js';
import { openEngine } from './open-engine.js';
import { all, expectAlike, using, writeFiles, type Files } from './files.test.util.js';

let files: Files;
beforeAll(async () => {
  files = await writeFiles();
}, 60_000);
afterAll(() => files.remove());

test("an image is a path, the files.bytes of a files.file, or pixels of any kind, which stay the caller's", async () => {
  await using(files.notExportable, { engine: 'tfjs', workers: 1 }, async (engine) => {
    const image = TEST_IMAGES[3]!;
    const { score } = await engine.predict(image);
    expect(await engine.predict(files.picture(3))).toMatchObject({ score });
    const encoded = await encodeImage(image);
    expect(await engine.predict(encoded)).toMatchObject({ score });
    expect(await engine.predict(Buffer.from(encoded))).toMatchObject({ score });
    const rgba = new Uint8ClampedArray(60 * 90 * 4).map((_, at) =>
      at % 4 === 3 ? 255 : image.data[Math.floor(at / 4) * 3 + (at % 4)]!,
    );
    expect(await engine.predict({ data: rgba, width: 90, height: 60 })).toMatchObject({ score });
    // A part of a larger buffer, as a camera has it.
    const frames = new Uint8Array(image.data.length * 3);
    frames.set(image.data, image.data.length);
    const frame = { ...image, data: frames.subarray(image.data.length, image.data.length * 2) };
    expect(await engine.predict(frame)).toMatchObject({ score });
    for (const { length } of [encoded, rgba, frames, image.data]) expect(length).toBeGreaterThan(0);
    await expect(engine.predict(files.picture(9))).rejects.toMatchObject({ code: 'file-not-found' });
    await expect(engine.predict(encoded.slice(0, 100))).rejects.toMatchObject({ code: 'image-unreadable' });
    for (const wrong of [undefined, null, 7, {}, { data: 'x', width: 1 }, { ...image, width: 9 }]) {
      await expect(engine.predict(wrong as never)).rejects.toMatchObject({ code: 'invalid-argument' });
    }
    await expect(engine.predict(image, { threshold: NaN })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
    // None of these has ended the worker.
    expect(await engine.predict(image)).toMatchObject({ score });
  });
});

test('an ONNX file runs by ONNX Runtime, whatever its name, and not by TensorFlow.js', async () => {
  await using(files.exported, { workers: 1, threads: 1 }, async (engine) => {
    expect(engine.info).toMatchObject({ engine: 'onnx', threads: 1, reason: 'the file is an ONNX file' });
    expectAlike(await all(engine, TEST_IMAGES), files.wanted);
  });
  await expect(openEngine(files.exported, { engine: 'tfjs' })).rejects.toMatchObject({
    code: 'invalid-argument',
    hint: expect.stringContaining('.safetensors') as string,
  });
});

test.each([0, 1])('%i workers: a file with too many pixels is refused', async (workers) => {
  await using(
    files.bytes,
    { engine: 'onnx', workers, threads: 1, maxPixels: 60 * 90 - 1 },
    async (engine) => {
      await expect(engine.predict(files.picture(0))).rejects.toMatchObject({
        code: 'image-unreadable',
        message: expect.stringContaining('at most 5399 pixels') as string,
      });
      // Pixels that are given are there already.
      expectAlike([await engine.predict(TEST_IMAGES[0]!)], files.wanted.slice(0, 1));
    },
  );
});
