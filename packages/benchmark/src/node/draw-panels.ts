import type { PixelBuffer } from '@dskd/base';
import { type ImageSource, prepareMask, preparePixels, type Sample } from '@dskd/data';
import { encodeImage, writeFileAtomically } from '@dskd/data/node';
import type { Detector, ScoreMap } from '@dskd/detector';
import { drawContour, heatMapOverlay, heatScaleOf } from '@dskd/report';
import { branchName } from '../cell.js';
import type { PanelJob } from '../job.js';
import { CellStore } from './cell-store.js';
import { openCategory, teacherOf, withCombined } from './train-and-evaluate.js';

/** Gap between panels in pixels, white. */
const GAP = 4;

/** Arranges images of the same size in a grid. */
export function tile(rows: readonly (readonly PixelBuffer[])[]): PixelBuffer {
  const [{ width, height }] = rows[0] as [PixelBuffer];
  const columns = Math.max(...rows.map((row) => row.length));
  const total = { width: columns * (width + GAP) - GAP, height: rows.length * (height + GAP) - GAP };
  const data = new Uint8Array(total.width * total.height * 3).fill(255);
  rows.forEach((row, down) => {
    row.forEach((panel, across) => {
      for (let y = 0; y < height; y++) {
        const from = y * width * 3;
        const to = ((down * (height + GAP) + y) * total.width + across * (width + GAP)) * 3;
        data.set(panel.data.subarray(from, from + width * 3), to);
      }
    });
  });
  return { data, ...total, channels: 3 };
}

/** The first anomalous test image of each type, so that the images are not selected by hand. */
function firstOfEachKind(source: ImageSource): Sample[] {
  const kinds = new Map<string, Sample>();
  for (const sample of source.samples) {
    if (sample.split !== 'test' || sample.label === 'good' || kinds.has(sample.defectType)) continue;
    kinds.set(sample.defectType, sample);
  }
  // Structural anomalies come first in the paper's figures.
  return [...kinds.values()].sort((a, b) => (a.defectType > b.defectType ? -1 : 1));
}

/**
 * Draws a map over the image. On the color scale the highest score of the normal calibration images is the middle;
 * lower scores leave the image unchanged.
 */
function overlay(image: PixelBuffer, map: ScoreMap, normalScores: readonly number[]): PixelBuffer {
  return heatMapOverlay(image, map, heatScaleOf(normalScores, Math.max(...normalScores)));
}

async function panelsOf(
  detector: Detector,
  sample: Sample,
  branches: readonly string[],
): Promise<PixelBuffer[]> {
  const [height, width] = detector.inputSize;
  const { resize, branches: described, calibration, intensityRange } = detector.description;
  const loaded = await sample.load({ intensityRange });
  const prediction = await detector.predict(loaded);
  const input = preparePixels(loaded, { height, width, fit: resize.fit, intensityRange });
  const mask = sample.loadMask && prepareMask(await sample.loadMask(), { height, width, fit: resize.fit });
  const scoresOf = (name: string): readonly number[] =>
    described.find((branch) => branch.name === name)!.calibrationScores;
  return [
    input,
    mask ? drawContour(input, mask) : input,
    ...branches.map((name) => overlay(input, prediction.branches[name]!.map!, scoresOf(name))),
    overlay(input, prediction.map, calibration.scores),
  ];
}

/**
 * Draws a figure of one category as a PNG, on the current backend: one row per type of anomaly with the image, its
 * ground truth, the map of each student and their sum.
 */
export async function drawPanels(job: PanelJob, signal: AbortSignal): Promise<void> {
  const store = new CellStore(job.store);
  const source = await openCategory(job.category, signal);
  const teacher = await teacherOf(job.cells[0]!);
  try {
    await withCombined(job.cells, { store, source, teacher, signal }, async (detector) => {
      const rows: PixelBuffer[][] = [];
      for (const sample of firstOfEachKind(source)) {
        rows.push(await panelsOf(detector, sample, job.cells.map(branchName)));
      }
      if (rows.length > 0) await writeFileAtomically(job.file, await encodeImage(tile(rows)));
    });
  } finally {
    teacher?.dispose();
  }
}
