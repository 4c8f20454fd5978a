import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { trainDetector } from './index.js';

const root = fileURLToPath(new URL('../../../../shared/data/mvtec_ad', import.meta.url));
// Minutes to half an hour each, and what they measure does not change from one commit to the next.
const wanted = process.env.DSKD_LONG_GATES !== undefined;
const runs = wanted && existsSync(root);
if (!runs) {
  const reason = wanted ? `there is no ${root}` : 'DSKD_LONG_GATES is not set';
  console.log(`SKIPPED gates of networks that read images: ${reason}`);
}

/** Image AUROC below which a build is suspect, with the embedded teacher. At 64 px the mean loss of an epoch falls by a tenth at least. */
const GATES: readonly {
  readonly method: string;
  readonly category: string;
  readonly epochs: number;
  readonly least: number;
  /** Default 128 px. */
  readonly side?: number;
  /** The epoch whose loss the last one is compared with. Default 0. */
  readonly from?: number;
  readonly options?: object;
}[] = [
  { method: 'stfpm', category: 'bottle', epochs: 40, least: 0.97 },
  { method: 'stfpm', category: 'transistor', epochs: 40, least: 0.85 },
  { method: 'ae', category: 'bottle', epochs: 30, least: 0.6 },
  { method: 'vae', category: 'bottle', epochs: 15, least: 0.6 },
  { method: 'ae-ssim', category: 'bottle', epochs: 30, side: 64, least: 0.9 },
  { method: 'mkd', category: 'bottle', epochs: 15, least: 0.95 },
  { method: 'mnad', category: 'bottle', epochs: 4, side: 64, least: 0.6 },
  {
    method: 'gcad',
    category: 'bottle',
    epochs: 4,
    side: 64,
    options: { fadeEpochs: 1, globalFrom: 1 },
    least: 0.6,
  },
  // The encoder is trained from epoch 18 on.
  { method: 'fanogan', category: 'bottle', epochs: 30, from: 18, least: 0.6 },
  { method: 'fanogan', category: 'transistor', epochs: 30, from: 18, least: 0.6 },
  { method: 'efficientad', category: 'bottle', epochs: 22, least: 0.95 },
  { method: 'efficientad', category: 'transistor', epochs: 21, least: 0.88 },
  { method: 'puad', category: 'bottle', epochs: 22, least: 0.92 },
  { method: 'us', category: 'bottle', epochs: 22, least: 0.6 },
];

(runs ? test : test.skip).each(GATES)(
  '$method, $category, $epochs epochs: image AUROC of at least $least, and the loss falls',
  async ({ method, category, epochs, least, side = 128, from = 0, options = {} }) => {
    const losses: number[] = [];
    using detector = await trainDetector(root, {
      category,
      method,
      options: { ...options, epochs },
      input: { size: [side, side] },
      backend: 'wasm',
      onEvent: (event) => {
        if (event.type !== 'epoch-end') return;
        losses.push(Object.values(event.losses).reduce((sum, loss) => sum + loss, 0));
      },
    });
    expect(losses).toHaveLength(epochs);
    expect(losses.at(-1)!).toBeLessThan(losses[from]! * (side === 64 ? 0.9 : 0.5));
    const { fused } = await detector.evaluate(root, { category });
    console.log(`${method} ${category}: image AUROC ${fused.imageAuroc}`);
    expect(fused.imageAuroc).toBeGreaterThanOrEqual(least);
  },
  60 * 60_000,
);
