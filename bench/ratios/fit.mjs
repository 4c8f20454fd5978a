// The fit of `instant` on 200 images of 256 px, from the files to the bytes of the detector, against a prototype in PyTorch.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { openSource } from '@dskd/data/node';
import { trainDetector } from '@dskd/detector';
import { loadTeacher } from '@dskd/models';
import { onnxTeacher } from '@dskd/onnx/runtime';
import { writeDataset } from '@dskd/synthetic/node';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients, startWasmThreads } from '@dskd/wasm-gradients';
import { startPeer, takeTurns, timed } from './turns.mjs';

const IMAGES = 200;
const SIDE = 256;
const WEIGHTS = path.join(
  import.meta.dirname,
  '../../packages/teacher-tiny/weights/teacher-tiny.safetensors',
);

export async function measure(rounds = 3) {
  await selectBackend('wasm');
  registerWasmGradients();
  const threads = await startWasmThreads({ threads: 2 });
  const { name, load } = teacherTiny();
  const teacher = await loadTeacher(name, await load());
  const fast = await onnxTeacher(teacher, { session: { intraOpNumThreads: 2, interOpNumThreads: 1 } });
  const root = await mkdtemp(path.join(os.tmpdir(), 'dskd-fit-'));
  try {
    // No validation images: both sides hold a tenth of the training images out.
    await writeDataset(root, {
      category: 'tray',
      train: IMAGES,
      validation: 0,
      test: 1,
      size: SIDE,
      seed: 101,
    });
    const source = await openSource({ root, category: 'tray' });
    const folder = path.join(root, 'tray/train/good');
    const files = (await readdir(folder)).sort().map((file) => path.join(folder, file));
    const fitWith = (own) => () =>
      timed(async () => {
        const detector = await trainDetector({
          source,
          teacher: own,
          method: 'instant',
          seed: 1,
          input: { size: [SIDE, SIDE] },
        });
        detector.save();
        detector.dispose();
      });
    const peer = await startPeer('fit_torch.py', 2);
    const times = await takeTurns(
      {
        own: fitWith(fast),
        tfjs: fitWith(teacher),
        peer: () => peer.ask({ ask: 'fit', files, weights: WEIGHTS }),
      },
      { rounds, warmUp: 0 },
    );
    peer.end();
    const row = (what, own) => ({
      what,
      peer: 'torch and Pillow, 2 threads',
      times: { own, peer: times.peer },
      wanted: 1.2,
    });
    return {
      torch: peer.about.torch,
      rows: [
        row(`fit of instant, ${IMAGES} images of ${SIDE} px; teacher by ONNX Runtime, 2 threads`, times.own),
        row(`the same; teacher by TensorFlow.js, wasm`, times.tfjs),
      ],
    };
  } finally {
    await threads.end();
    await rm(root, { recursive: true });
  }
}
