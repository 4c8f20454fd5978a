import type { PixelBuffer } from '@dskd/base';
import { prepareMask, preparePixels, type ImageSource, type Sample } from '@dskd/data';
import { encodePng, writeFileAtomically } from '@dskd/data/node';
import type { Detector, ScoreMap } from '@dskd/detector';
import { drawContour, heatMapOverlay, heatScaleOf } from '@dskd/report';
import { branchName } from '../cell.js';
import type { PanelJob } from '../run-grid.js';
import { CellStore } from './cell-store.js';
import { openCategory, teacherOf, withCombined } from './do-job.js';

/** Between panels, in pixels; white. */
const GAP = 4;

/** Images of one size side by side and below each other. */
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

/** The first anomalous test image of each kind: nobody chose those that look best. */
function firstOfEachKind(source: ImageSource): Sample[] {
  const kinds = new Map<string, Sample>();
  for (const sample of source.samples) {
    if (sample.split !== 'test' || sample.label === 'good' || kinds.has(sample.defectType)) continue;
    kinds.set(sample.defectType, sample);
  }
  // Structural anomalies stand first in the paper's figures.
  return [...kinds.values()].sort((a, b) => (a.defectType > b.defectType ? -1 : 1));
}

/** A map over the image, on a scale on which every normal image that calibrated stays as it is up to its middle. */
function overlay(image: PixelBuffer, map: ScoreMap, normalScores: readonly number[]): PixelBuffer {
  return heatMapOverlay(image, map, heatScaleOf(normalScores, Math.max(...normalScores)));
}

async function panelsOf(
  detector: Detector,
  sample: Sample,
  branches: readonly string[],
): Promise<PixelBuffer[]> {
  const [height, width] = detector.inputSize;
  const { resize, branches: described, calibration } = detector.description;
  const loaded = await sample.load();
  const prediction = await detector.predict(loaded);
  const input = preparePixels(loaded, { height, width, fit: resize.fit });
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
 * Draws a figure of one category as a PNG: a row for each kind of anomaly with the image, its ground truth, the map
 * of each student and their sum, on the current backend.
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
      if (rows.length > 0) await writeFileAtomically(job.file, await encodePng(tile(rows)));
    });
  } finally {
    teacher.dispose();
  }
}
