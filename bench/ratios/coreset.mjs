// Greedy k-center of 160,000 patches to 1 %, against the loop in PyTorch that PatchCore's implementations have. The patches are those
// of drawn images, as `patchcore` and `instant` see them: the embedded teacher's second level, averaged over 3 x 3.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { kCenterCoreset } from '@dskd/closed-form';
import { selectBackend } from '@dskd/core/backends';
import { toImageTensor } from '@dskd/data';
import { loadTeacher } from '@dskd/models';
import { teacherTiny } from '@dskd/teacher-tiny';
import { withDrawnSource } from '../drawn-source.mjs';
import { startPeer, takeTurns, timed } from './turns.mjs';

const PATCHES = 160_000;
const SHARE = 0.01;
const SIDE = 256;

/** `[PATCHES, width]`, scaled to a largest value near 1. */
async function patches() {
  await selectBackend('wasm');
  const { name, load } = teacherTiny();
  const { extractor } = await loadTeacher(name, await load());
  const level = 1;
  const [{ stride, channels }] = [extractor.levels[level]];
  const images = Math.ceil(PATCHES / (SIDE / stride) ** 2);
  const all = new Float32Array(PATCHES * channels);
  await withDrawnSource(
    'tray',
    { train: images, validation: 1, test: 1, size: SIDE, seed: 101 },
    async (source) => {
      let filled = 0;
      for (const sample of source.samples.filter(({ split }) => split === 'train')) {
        const image = toImageTensor([await sample.load()]);
        const features = await extractor.extract(image);
        const pooled = tf.avgPool(features[level], 3, 1, 'same');
        const values = await pooled.data();
        all.set(values.subarray(0, Math.min(values.length, all.length - filled)), filled);
        filled += values.length;
        tf.dispose([image, pooled, ...features]);
      }
    },
  );
  return { count: PATCHES, width: channels, data: all };
}

export async function measure(rounds = 3) {
  const points = await patches();
  const count = PATCHES * SHARE;
  const folder = await mkdtemp(path.join(os.tmpdir(), 'dskd-coreset-'));
  try {
    const file = path.join(folder, 'patches.raw');
    await writeFile(file, new Uint8Array(points.data.buffer));
    const peer = await startPeer('coreset_torch.py', 2);
    let [own, other] = [null, null];
    const times = await takeTurns(
      {
        own: async () => {
          const turn = await timed(() => kCenterCoreset(points, count, { first: 0 }));
          own = turn.value;
          return turn;
        },
        peer: async () => {
          other = await peer.ask({ ask: 'coreset', file, width: points.width, count, first: 0 });
          return other;
        },
      },
      { rounds, warmUp: 0 },
    );
    peer.end();
    // From the first near tie on that float32 decides otherwise, the two go on from different centers.
    const same = other.chosen.findIndex((center, at) => center !== own[at]);
    return {
      torch: peer.about.torch,
      rows: [
        {
          what: `coreset: ${PATCHES} patches of ${points.width} values to ${count}; one thread`,
          peer: 'torch, 2 threads',
          times,
          wanted: 1,
        },
      ],
      centersThatAgree: same < 0 ? count : same,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
