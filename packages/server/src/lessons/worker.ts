// Entry of the thread that teaches a detector.
import { parentPort } from 'node:worker_threads';
import { passDskdErrors } from '@dskd/training/node';
import { decodeImage } from '@dskd/data/node';
import { selectBackend } from '@dskd/core/backends';
import { loadDetector, readDescription } from '@dskd/detector';
import { backboneInfo, loadTeacher } from '@dskd/models';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { expose, transfer, type Endpoint } from 'comlink';
import type { LessonWorker } from './teach.js';

const worker: LessonWorker = {
  async teach({ bytes, teacher: weights, images, imports, maxPixels }) {
    for (const module of imports) await import(module);
    await selectBackend('wasm');
    // Its products of matrices round as those of the training that found the threshold.
    registerWasmGradients();
    const wanted = readDescription(bytes).description.teacher;
    const teacher =
      wanted && weights
        ? await loadTeacher(backboneInfo(wanted.name).name, weights, {
            levels: wanted.levels.map(({ name }) => name),
          })
        : undefined;
    const detector = await loadDetector(bytes, teacher ? { teacher } : {});
    const { intensityRange } = detector;
    const pixels = await Promise.all(
      images.map((image) => decodeImage(image, { intensityRange, maxPixels })),
    );
    const outcome = await detector.extend(pixels);
    const taught = new Uint8Array(detector.save({ embedTeacher: wanted?.embedded ?? false }));
    return transfer({ bytes: taught, outcome }, [taught.buffer]);
  },
};

passDskdErrors();
expose(worker, parentPort as unknown as Endpoint);
