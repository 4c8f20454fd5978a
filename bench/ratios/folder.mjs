// Folders of images by @dskd/engine with ONNX Runtime in two workers: JPEG files of 1920 x 1080, in turns of 25 (20 by default: 500 in all), against PyTorch
// with Pillow running the exported graph (two threads; and two processes of one thread); and images that are decoded already.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { preparePixels } from '@dskd/data';
import { trainDetector } from '@dskd/detector';
import { openEngine } from '@dskd/engine/node';
import { loadTeacher } from '@dskd/models';
import { exportDetector } from '@dskd/onnx';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import sharp from 'sharp';
import { withDrawnSource } from '../drawn-source.mjs';
import { startPeer, takeTurns, timed } from './turns.mjs';

const [SIDE, EACH] = [256, 25];

async function writeFiles(source, folder) {
  const test = source.samples.filter(({ split }) => split === 'test');
  const images = await Promise.all(test.map((sample) => sample.load()));
  const files = [];
  for (let index = 0; index < EACH; index++) {
    const { data, width, height } = images[index % images.length];
    const file = path.join(folder, `${index}.jpg`);
    await sharp(data, { raw: { width, height, channels: 3 } })
      .resize(1920, 1080, { fit: 'fill' })
      .modulate({ brightness: 1 + index / 1000 })
      .jpeg({ quality: 90 })
      .toFile(file);
    files.push(file);
  }
  const prepared = images.map((image) => preparePixels(image, { height: SIDE, width: SIDE, fit: 'stretch' }));
  return { files, decoded: Array.from({ length: EACH }, (_, index) => prepared[index % prepared.length]) };
}

/** All predictions of an engine. CPU seconds are of all threads of this process. */
const scored = (engine, images) => () =>
  timed(async () => {
    let count = 0;
    for await (const { score } of engine.predictEach(images)) if (Number.isFinite(score)) count++;
    if (count !== images.length) throw new Error(`Only ${count} of ${images.length} images have a score.`);
  });

async function askAll(peer, files) {
  const sum = { seconds: 0, cpuSeconds: 0 };
  for (const file of files) {
    const { seconds, cpuSeconds } = await peer.ask({ file });
    sum.seconds += seconds[0];
    sum.cpuSeconds += cpuSeconds;
  }
  return sum;
}

export async function measure(rounds = 20) {
  await selectBackend('wasm');
  registerWasmGradients();
  const { name, load } = teacherTiny();
  const teacher = await loadTeacher(name, await load());
  const folder = await mkdtemp(path.join(os.tmpdir(), 'dskd-folder-'));
  try {
    return await withDrawnSource(
      'tray',
      { train: 40, validation: 4, test: 10, size: SIDE, seed: 101 },
      async (source) => {
        const { files, decoded } = await writeFiles(source, folder);
        const detector = await trainDetector({
          source,
          teacher,
          method: 'instant',
          // The peer does not loop until nothing changes, as the counting of pieces does.
          options: { pieces: null },
          seed: 1,
          input: { size: [SIDE, SIDE] },
        });
        const bytes = await exportDetector(detector);
        detector.dispose();
        const model = path.join(folder, 'model.onnx');
        await writeFile(model, bytes);
        const engine = await openEngine(bytes, { engine: 'onnx', workers: 2, threads: 1 });
        const together = await startPeer('onnx_in_torch.py', model, 2);
        const apart = [
          await startPeer('onnx_in_torch.py', model, 1),
          await startPeer('onnx_in_torch.py', model, 1),
        ];
        const halves = [files.slice(0, EACH >> 1), files.slice(EACH >> 1)];
        // The first image of each side compiles and allocates.
        await scored(engine, decoded.slice(0, 4))();
        for (const peer of [together, ...apart]) await peer.ask({ file: files[0] });
        const times = await takeTurns(
          {
            own: scored(engine, files),
            together: () => askAll(together, files),
            apart: async () => {
              const sums = await Promise.all(apart.map((peer, index) => askAll(peer, halves[index])));
              return {
                seconds: Math.max(...sums.map(({ seconds }) => seconds)),
                cpuSeconds: sums[0].cpuSeconds + sums[1].cpuSeconds,
              };
            },
            decoded: scored(engine, decoded),
          },
          { rounds, warmUp: 0 },
        );
        await engine.dispose();
        for (const peer of [together, ...apart]) peer.end();
        const row = (peer, other) => ({
          what: `${rounds} times ${EACH} JPEG files of 1920 x 1080, instant; 2 workers of 1 thread`,
          peer,
          times: { own: times.own, peer: other },
          wanted: 0.6,
        });
        return {
          torch: together.about.torch,
          rows: [
            row('torch and Pillow, 2 threads', times.together),
            row('torch and Pillow, 2 processes of 1 thread', times.apart),
          ],
          rates: [
            { what: 'JPEG files of 1920 x 1080', ...rateOf(times.own), wanted: null },
            { what: `decoded images of ${SIDE} px`, ...rateOf(times.decoded), wanted: 45 },
          ],
        };
      },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Images in a second of the clock, and in two seconds of the CPU: what two cores give where nothing else runs. */
const rateOf = ({ seconds, cpuSeconds }) => ({
  perSecond: Number((EACH / seconds).toPrecision(3)),
  perTwoCpuSeconds: Number((2 * (EACH / cpuSeconds)).toPrecision(3)),
});
