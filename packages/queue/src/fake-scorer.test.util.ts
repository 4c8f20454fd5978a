import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';
import type { Prediction } from '@dskd/detector';
import { sha256 } from './plan/storage.js';
import type { Scorer } from './shard/score-shard.js';

/** A prediction that is determined by the bytes of an image. */
export function predictionOf(bytes: Uint8Array): Prediction {
  const score = Number.parseInt(sha256(bytes).slice(0, 8), 16) / 2 ** 20;
  const map = { data: new Float32Array(4), width: 2, height: 2 };
  return {
    score,
    threshold: 2000,
    verdict: score > 2000 ? 'anomalous' : 'normal',
    pValue: 0.5,
    branches: { local: { score, pValue: 0.5, anomalous: score > 2000, map } },
    map,
    content: { left: 0, top: 0, width: 2, height: 2 },
    ignored: null,
    regions: [],
  };
}

/** Files that begin so are no images. */
export const DAMAGED = 'damaged';

/** Scores files by their bytes, with errors as those of an engine. */
export const fakeScorer: Scorer = {
  atATime: 3,
  async predict(image) {
    const unreadable = (where: string): DskdError =>
      new DskdError('image-unreadable', `${where}: unsupported format.`);
    if (typeof image !== 'string') {
      if (Buffer.from(image).toString().startsWith(DAMAGED))
        throw unreadable(`an image of ${image.length} bytes`);
      return predictionOf(image);
    }
    const bytes = await readFile(image).catch((cause: unknown) => {
      throw new DskdError('file-not-found', `${image}: there is no such file.`, { cause });
    });
    if (bytes.toString().startsWith(DAMAGED)) throw unreadable(image);
    return predictionOf(bytes);
  },
};
