import path from 'node:path';
import { DskdError, isDskdError, prefetch, throwIfAborted, type PixelBuffer } from '@dskd/base';
import { decodeImage, decodeMask, listImages, assertWritable, watchFolder } from '@dskd/data/node';
import type { Detector, ExplainedRegion, Prediction } from '@dskd/detector';
import { plainPrediction, type EnginePredictOptions } from '@dskd/engine';
import { printWarnings } from '../../open-data.js';
import { printJson } from '../../output/print.js';
import { progressRenderer } from '../../output/progress.js';
import type { PredictOptions } from '../predict.js';
import type { WrittenImages } from './heat-maps.js';
import { openScorer, type Scorer } from './scorer.js';
import { unreadableImages } from './unreadable-images.js';

/** Prints a line for each image: first `images`, then those that are put into the watched folder. */
export async function runPrediction(
  modelPath: string,
  images: readonly string[],
  options: PredictOptions,
  signal: AbortSignal,
): Promise<void> {
  const { ignoreMask, out, watch, minArea, threshold, explain } = options;
  checkArguments(images, options);
  const files =
    images.length === 0
      ? []
      : await listImages(images, {
          unsupported: 'listed',
          missing: 'listed',
          onWarning: (warning) => printWarnings([warning]),
        });
  const ignored = ignoreMask === undefined ? undefined : await decodeMask(ignoreMask);
  const known = watch === undefined ? files.length : Infinity;
  const scorer = await openScorer(modelPath, options, known, signal);
  try {
    if (out !== undefined) await assertWritable(path.join(out, 'overlay.png'));
    const arrivals = watch === undefined ? [] : watchFolder(watch, { signal });
    if (watch !== undefined) process.stderr.write(`watching ${watch} for new images; Ctrl-C ends\n`);
    const { description, detector } = scorer;
    if (detector && out !== undefined && !options.json) sayIfNoThumbnails(detector);
    // Imported only here: without heat maps the command starts sooner.
    const writeHeatMap =
      out === undefined
        ? undefined
        : (await import('./heat-maps.js')).heatMapWriter(
            out,
            files,
            description,
            threshold ?? description.threshold.value,
          );
    const showProgress = fileProgress(files.length);
    let unreadable = 0;
    const scored = scoredFiles(scorer, concatenated(files, arrivals), {
      signal,
      minArea,
      ...(threshold !== undefined && { threshold }),
      ...(ignored && { ignored }),
      withPixels: explain || out !== undefined,
    });
    for await (const { file, pixels, result } of scored) {
      if (isDskdError(result)) {
        unreadable++;
        const { code, message } = result;
        printJson({ path: file, error: { code, message } });
        continue;
      }
      const explained = detector ? await detector.explain(pixels!, result.regions) : [];
      const written = await writeHeatMap?.({ file, pixels: pixels!, prediction: result, explained });
      printJson(lineOf(file, result, explained, written));
      if (!options.json)
        for (const region of explained) process.stderr.write(`${file}: ${inWords(region)}\n`);
      showProgress(file, result);
    }
    throwIfAborted(signal);
    if (unreadable > 0) {
      throw unreadableImages(unreadable, files.length);
    }
  } finally {
    await scorer.dispose();
  }
}

interface ScoredFile {
  readonly file: string;
  /** Where they were asked for, and could be read. */
  readonly pixels: PixelBuffer | undefined;
  /** The error of a file that is no image. */
  readonly result: Prediction | DskdError;
}

/** Scores files, in their order: as many at a time as the engine takes, while the next ones wait for it. */
function scoredFiles(
  scorer: Scorer,
  files: AsyncIterable<string>,
  { withPixels, ...options }: EnginePredictOptions & { readonly withPixels: boolean },
): AsyncGenerator<ScoredFile> {
  const { intensityRange } = scorer.description;
  const score = async (file: string): Promise<ScoredFile> => {
    try {
      // Otherwise the file is decoded by the worker that scores it.
      const pixels = withPixels ? await decodeImage(file, { intensityRange }) : undefined;
      return { file, pixels, result: await scorer.predict(pixels ?? file, options) };
    } catch (error) {
      const isUnreadable = isDskdError(error, 'image-unreadable') || isDskdError(error, 'file-not-found');
      if (!isUnreadable) throw error;
      return { file, pixels: undefined, result: error };
    }
  };
  return prefetch(files, scorer.atATime, score, options.signal);
}

function checkArguments(images: readonly string[], { watch, out }: PredictOptions): void {
  if (images.length === 0 && watch === undefined) {
    throw new DskdError('invalid-argument', 'No images are given.', {
      hint: 'Name images or folders after the model, or a folder to watch: --watch DIR.',
    });
  }
  if (watch !== undefined && out !== undefined && path.resolve(watch) === path.resolve(out)) {
    throw new DskdError('invalid-argument', `Got ${watch} to watch and to write heat maps to.`, {
      hint: 'Heat maps would be treated as new images: choose another folder for --out.',
    });
  }
}

async function* concatenated(
  files: readonly string[],
  arrivals: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<string> {
  yield* files;
  yield* arrivals;
}

/** Progress on the terminal, if the results go to another place. */
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

function sayIfNoThumbnails({ model, thumbnails }: Detector): void {
  if (thumbnails || !model.keepsPatches) return;
  process.stderr.write(
    'the model has no thumbnails of its training images, so that no NAME.explained.png is written: ' +
      'dskd train --thumbnails 64 keeps them\n',
  );
}

/** Describes the good patch that is nearest to a region. */
function inWords({ box, nearest }: ExplainedRegion): string {
  const { id, index, area, distance } = nearest;
  const place = ({ left, top, width, height }: typeof area): string =>
    `${width} x ${height} at (${left}, ${top})`;
  return `region ${place(box)}: nearest good patch ${place(area)} of ${id ?? `training image ${index}`}, distance ${distance.toPrecision(3)}`;
}

/** A region with its nearest good patch as it is printed: without pixels. */
function printedRegion({ nearest, ...region }: ExplainedRegion): Record<string, unknown> {
  const { id, index, area, distance } = nearest;
  return { ...region, nearest: { id, index, area, distance } };
}

/** The printed line of a prediction: everything except its maps. */
function lineOf(
  file: string,
  prediction: Prediction,
  explained: readonly ExplainedRegion[],
  written: WrittenImages | undefined,
): Record<string, unknown> {
  const { regions, ...plain } = plainPrediction(prediction);
  return {
    path: file,
    ...plain,
    // Regions keep their order; the explained ones (the largest) also have the nearest patch.
    regions: regions.map((region) => {
      const own = explained.find(({ peak }) => peak === region.peak);
      return own ? printedRegion(own) : region;
    }),
    ...written,
  };
}
