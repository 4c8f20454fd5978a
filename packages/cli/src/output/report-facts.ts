import os from 'node:os';
import type { ImageSource } from '@dskd/data';
import type { DetectorDescription } from '@dskd/detector';
import type { Fact } from '@dskd/report';
import * as tf from '@tensorflow/tfjs';
import { VERSION } from '../version.js';
import { thresholdLines } from './saved-model.js';
import { shellQuote } from './shell-quote.js';

/** The command, its folder and the versions: the last facts of every report. */
export function environmentFacts(): Fact[] {
  return [
    { label: 'Command', value: shellQuote(['dskd', ...process.argv.slice(2)]) },
    { label: 'Run in', value: process.cwd() },
    {
      label: 'Versions',
      value: [
        `dskd ${VERSION}`,
        `tfjs ${tf.version.tfjs}, backend ${tf.getBackend()}`,
        `node ${process.version}, ${os.platform()} ${os.arch()}`,
      ].join('\n'),
    },
    { label: 'Written', value: `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC` },
  ];
}

/** The number of images and the fingerprint of a dataset. */
export async function dataFacts(source: ImageSource, signal: AbortSignal): Promise<Fact[]> {
  const split = (name: string): number => source.samples.filter((sample) => sample.split === name).length;
  return [
    {
      label: 'Data',
      value: `${source.name}: ${split('train')} images to train on, ${split('validation')} to validate, ${split('test')} to test`,
    },
    { label: 'Data fingerprint', value: await source.fingerprint({ signal }) },
  ];
}

/** The method of a detector and its teacher, if it has one. */
export function modelName({ method, teacher }: DetectorDescription): string {
  return teacher ? `method ${method}, teacher ${teacher.name}` : `method ${method}`;
}

/** The training record of the methods `dskd` and `rd`. Other methods may record other fields. */
interface FitRecord {
  readonly epochs?: number;
  readonly steps?: number;
  readonly batchSize?: number;
}

function lengthOf({ epochs, steps, batchSize }: FitRecord): string {
  return steps === undefined ? '' : `, ${epochs} epochs, ${steps} steps of ${batchSize}`;
}

/** Description of each fusion rule. */
const FUSIONS: Readonly<Record<DetectorDescription['fusion']['rule'], string>> = {
  sum: 'sum of the branches',
  'soft-maximum': 'soft maximum of the branches',
  maximum: 'maximum of the branches',
};

const NORMALIZATIONS: Readonly<Record<DetectorDescription['fusion']['normalization'], string>> = {
  moments: 'mean and deviation of the maps of good images',
  quantiles: 'two quantiles of the maps of good images',
  'image-scores': 'mean and deviation of the scores of good images',
};

/** `global, weight 0.7`; for a branch without a map this is stated. */
function branchInWords(
  { name, map }: DetectorDescription['branches'][number],
  weights: DetectorDescription['fusion']['weights'],
): string {
  const weight = weights[name] ?? 1;
  return [
    name,
    ...(weight === 1 ? [] : [`weight ${weight}`]),
    ...(map ? [] : ['an image score, no map']),
  ].join(', ');
}

/** The architecture, training and threshold of a detector. */
export function modelFacts(description: DetectorDescription): Fact[] {
  const { method, teacher, inputSize, tiles, branches, fusion, trainings, resize } = description;
  return [
    { label: 'Method', value: method },
    ...(teacher ? [{ label: 'Teacher', value: `${teacher.name}, sha256 ${teacher.sha256}` }] : []),
    { label: 'Input', value: `${inputSize.join(' x ')} pixels (height x width), ${resize.fit}` },
    ...(tiles ? [{ label: 'Tiles', value: `${tiles.size} pixels, overlapping by ${tiles.overlap}` }] : []),
    { label: 'Branches', value: branches.map((branch) => branchInWords(branch, fusion.weights)).join('\n') },
    {
      label: 'Fusion',
      value: `${FUSIONS[fusion.rule]}, normalized by ${NORMALIZATIONS[fusion.normalization]}`,
    },
    ...trainings.map((training) => ({
      label: `Training of ${training.branches.join(' and ')}`,
      value: [
        `${training.images} images${lengthOf(training.fit)}, seed ${training.seed}`,
        `data fingerprint ${training.dataFingerprint}`,
        `backend ${training.backend}`,
      ].join('\n'),
    })),
    ...(description.lessons ?? []).map(({ images, dataFingerprint }, index) => ({
      label: `Lesson ${index + 1}`,
      value: [`${images.length} images`, `data fingerprint ${dataFingerprint}`].join('\n'),
    })),
    { label: 'Threshold', value: thresholdLines(description).join('\n') },
  ];
}
