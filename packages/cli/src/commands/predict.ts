import path from 'node:path';
import type { Detector, Prediction } from '@dskd/detector';
import { Command } from 'commander';
import { interruptible } from '../interrupt.js';
import { printJson } from '../output.js';
import * as parse from '../parsers.js';
import { heatMapOverlay, type HeatScale } from '../render/overlay.js';
import { loadModel } from './load-model.js';
import { backendOption, debugOption, jsonOption, weightsOption } from './shared-options.js';

interface PredictFlags {
  readonly out?: string;
  readonly threshold?: number;
  readonly minArea: number;
  readonly weights?: string;
  readonly backend: string;
}

export function predictCommand(): Command {
  return new Command('predict')
    .description('say of pictures whether, where and how they are anomalous: one line of JSON each')
    .argument('<model>', 'a file that dskd train wrote')
    .argument('<images...>', 'pictures, or folders of pictures')
    .option('--out <dir>', 'write a heat map over each picture, on the same colour scale for all')
    .option('--threshold <score>', "instead of the model's own", parse.finiteNumber)
    .option(
      '--min-area <pixels>',
      "smallest region reported, in pixels of the network's input",
      parse.positiveInteger,
      1,
    )
    .addOption(weightsOption())
    .addOption(backendOption())
    .addOption(jsonOption('accepted for uniformity: predictions are JSON lines always'))
    .addOption(debugOption())
    .action((model: string, images: string[], flags: PredictFlags) =>
      interruptible((signal) => predict(model, images, flags, signal)),
    );
}

async function predict(
  modelPath: string,
  images: string[],
  flags: PredictFlags,
  signal: AbortSignal,
): Promise<void> {
  const data = await import('@dskd/data/node');
  const { mkdir } = await import('node:fs/promises');
  const files = await data.listImages(images);
  const model = await loadModel(modelPath, flags);
  try {
    if (flags.out !== undefined) await mkdir(flags.out, { recursive: true });
    const scale = heatScale(model.detector, flags.threshold);
    const overlayNames = new OverlayNames();
    for (const file of files) {
      const picture = await data.decodeImage(file);
      const [prediction] = await model.detector.predict(picture, {
        signal,
        minArea: flags.minArea,
        ...(flags.threshold !== undefined && { threshold: flags.threshold }),
      });
      let overlay: string | undefined;
      if (flags.out !== undefined) {
        overlay = path.join(flags.out, overlayNames.next(file));
        await data.writeFileAtomically(
          overlay,
          await data.encodePng(heatMapOverlay(picture, prediction!.map, scale)),
        );
      }
      printJson(lineOf(file, prediction!, overlay));
    }
  } finally {
    model.dispose();
  }
}

/** From the middle of the normal pictures' scores to the threshold: the same for every picture. */
function heatScale({ description }: Detector, threshold = description.threshold.value): HeatScale {
  const sorted = [...description.calibration.scores].sort((a, b) => a - b);
  const low = Math.min(sorted[Math.floor(sorted.length / 2)]!, threshold - Math.abs(threshold) * 0.1 - 1e-3);
  return { low, threshold };
}

/** `NAME.overlay.png`, numbered where two pictures share a name. */
class OverlayNames {
  readonly #used = new Map<string, number>();

  next(file: string): string {
    const name = path.parse(file).name;
    const count = (this.#used.get(name) ?? 0) + 1;
    this.#used.set(name, count);
    return count === 1 ? `${name}.overlay.png` : `${name}-${count}.overlay.png`;
  }
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
