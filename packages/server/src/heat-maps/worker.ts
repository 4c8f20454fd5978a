// Entry of the thread that draws heat maps.
import { parentPort } from 'node:worker_threads';
import { decodeImage, encodeImage } from '@dskd/data/node';
import { mapInImage } from '@dskd/detector';
import { heatMapOverlay } from '@dskd/report';
import { passDskdErrors } from '@dskd/training/node';
import { expose, transfer, type Endpoint } from 'comlink';
import type { HeatMapWorker } from './heat-maps.js';

const worker: HeatMapWorker = {
  async draw({ image, prediction, scale, intensityRange, maxPixels }) {
    const pixels = await decodeImage(image, { intensityRange, maxPixels });
    const png = await encodeImage(heatMapOverlay(pixels, mapInImage(prediction, pixels), scale));
    // A copy: the encoder's memory may be shared with other results.
    const bytes = new Uint8Array(png);
    return transfer(bytes, [bytes.buffer]);
  },
};

passDskdErrors();
expose(worker, parentPort as unknown as Endpoint);
