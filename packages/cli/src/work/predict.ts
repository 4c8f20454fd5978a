import path from 'node:path';
import { DskdError, throwIfAborted, type PixelBuffer } from '@dskd/base';
import {
  decodeMask,
  encodePng,
  listImages,
  makeFolder,
  watchFolder,
  writeFileAtomically,
} from '@dskd/data/node';
import { mapInImage, type Prediction } from '@dskd/detector';
import { predictFiles } from '@dskd/detector/node';
import { heatMapOverlay, heatScaleOf, type HeatScale } from '@dskd/report';
import type { PredictOptions } from '../options/predict.js';
import { printJson } from '../output.js';
import { overlayNames } from '../render/overlay-names.js';
import { progressRenderer } from '../render/progress.js';
import { loadModel } from './load-model.js';

/** Prints a line for each image, those of `images` and then those that come into the watched folder. */
export async function predict(
  modelPath: string,
  images: readonly string[],
  options: PredictOptions,
  signal: AbortSignal,
): Promise<void> {
  const { ignoreMask, out, watch, minArea, threshold } = options;
  const files = images.length === 0 ? [] : await listImages(images);
  const ignored = ignoreMask === undefined ? undefined : await decodeMask(ignoreMask);
  const model = await loadModel(modelPath, options);
  try {
    if (out !== undefined) await makeFolder(out);
    const arrivals = watch === undefined ? [] : watchFolder(watch, { signal });
    if (watch !== undefined) process.stderr.write(`watching ${watch} for new images; Ctrl-C ends\n`);
    const names = overlayNames(files);
    const { description } = model.detector;
    const scale = heatScaleOf(description.calibration.scores, threshold ?? description.threshold.value);
    const showProgress = fileProgress(files.length);
    let unreadable = 0;
    const scored = predictFiles(model.detector, inTurn(files, arrivals), {
      signal,
      minArea,
      ...(threshold !== undefined && { threshold }),
      ...(ignored && { ignored }),
      onUnreadable({ code, message }, source) {
        unreadable++;
        printJson({ path: source, error: { code, message } });
      },
    });
    for await (const { source, image, prediction } of scored) {
      const file = source as string;
      let overlay: string | undefined;
      if (out !== undefined) {
        // What comes later may have any name: its ending tells it from others.
        overlay = path.join(out, names.get(file) ?? `${path.basename(file)}.overlay.png`);
        await writeOverlay(overlay, image, prediction, scale);
      }
      printJson(lineOf(file, prediction, overlay));
      showProgress(file, prediction);
    }
    throwIfAborted(signal);
    if (unreadable > 0) {
      throw new DskdError('image-unreadable', `${unreadable} of ${files.length} images could not be read.`, {
        hint: 'Their lines say why; the others were scored.',
      });
    }
  } finally {
    model.dispose();
  }
}

async function* inTurn(
  files: readonly string[],
  arrivals: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<string> {
  yield* files;
  yield* arrivals;
}

/** How far it is, for people whose results go elsewhere than to the terminal. */
function fileProgress(total: number): (id: string, prediction: Prediction) => void {
  const render = progressRenderer({ json: false });
  let index = 0;
  return (id, { score }) => {
    if (index < total && process.stderr.isTTY && !process.stdout.isTTY) {
      render({ type: 'image-scored', id, index, total, score });
    }
    index++;
  };
}

async function writeOverlay(
  file: string,
  image: PixelBuffer,
  prediction: Prediction,
  scale: HeatScale,
): Promise<void> {
  const pixels = heatMapOverlay(image, mapInImage(prediction, image), scale);
  await writeFileAtomically(file, await encodePng(pixels));
}

/** A prediction without its maps. */
function lineOf(file: string, prediction: Prediction, overlay: string | undefined): Record<string, unknown> {
  const { score, threshold, verdict, pValue, branches, regions } = prediction;
  return {
    path: file,
    verdict,
    score,
    threshold,
    pValue,
    branches: Object.fromEntries(
      Object.entries(branches).map(([name, branch]) => [
        name,
        { score: branch.score, pValue: branch.pValue, anomalous: branch.anomalous },
      ]),
    ),
    regions,
    ...(overlay !== undefined && { overlay }),
  };
}
