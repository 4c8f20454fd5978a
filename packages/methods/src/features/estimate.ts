import { sumMemory } from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';
import type { CostEstimate, FitPlan } from '../contract.js';
import { coresetSize, patchesPerImage, RADIUS_SAMPLE } from './bank-fitter.js';
import type { PartPlan, PartPlans } from './feature-model.js';
import { galleryShapes } from './gallery-part.js';
import type {
  BankOptions,
  GalleryOptions,
  PiecesOptions,
  PooledOptions,
  PositionOptions,
  SetsOptions,
  SubspaceOptions,
} from './part-options.js';
import { assertTeacherGiven, FEATURE_BATCH, type PartContext } from './parts.js';
import {
  bankPlan,
  pooledLevels,
  positionPlan,
  setLevels,
  subspacePlan,
  withGridLevel,
} from './patch-plans.js';
import type { PatchPlan } from './patches.js';
import { pieceGrid } from './pieces.js';
import { placesOf } from './sets-part.js';
import { AXES_SAMPLE } from './subspace-fitter.js';

const FLOAT = 4;
const DOUBLE = 8;
/** Of a search in a bank: queries and rows of a block. */
const SEARCH_BLOCK = [1024, 4096] as const;

/** What a part holds at its peak, in bytes. */
interface PartBytes {
  /** In JavaScript's memory, during the fit. */
  readonly host: number;
  /** On the backend: the model, and a batch that goes through it. */
  readonly backend: number;
  /** Of what the file keeps, as float32. */
  readonly stored: number;
  /** In the file, where that can be more than a file may hold. */
  readonly file?: number;
}

/** Bytes of tensors that a file is read with (`readSafetensors`). */
const FILE_LIMIT = 2 ** 31;

const positionsOf = ({ grid }: PatchPlan): number => grid[0] * grid[1];

/** Patches of a batch with the tensors that make them, and the filters of the official embedding. */
function patchBytes(plan: PatchPlan, { teacher }: PartContext): number {
  const filters =
    plan.embedding === 'official'
      ? plan.levels.reduce(
          (sum, level) => sum + 9 * plan.width * teacher.extractor.levels[level]!.channels,
          0,
        )
      : 0;
  return FLOAT * (filters + 4 * FEATURE_BATCH * positionsOf(plan) * plan.width);
}

function bankBytes(options: BankOptions, images: number, context: PartContext): PartBytes {
  const plan = bankPlan(options, context);
  const patches = images * patchesPerImage(plan, options, images);
  const rows = Math.min(patches, coresetSize(plan, options, images));
  const withPositions = options.positionWeight > 0;
  const width = plan.width + (withPositions ? 2 : 0);
  const projected = width > options.projection ? options.projection : 0;
  const batch = FEATURE_BATCH * positionsOf(plan) * width;
  // Of a patch: its vector, the same with its position, its projection, its origin and what the coreset notes of it.
  const perPatch = FLOAT * ((withPositions ? 2 : 1) * width + projected + 6);
  return {
    // The rows: chosen, rounded, and as columns for the backend.
    host: patches * perPatch + FLOAT * (3 * rows * width + 2 * RADIUS_SAMPLE * width + 6 * rows + 2 * batch),
    backend:
      patchBytes(plan, context) +
      FLOAT * (rows * (width + 1) + batch + SEARCH_BLOCK[0] * (width + 2 * Math.min(rows, SEARCH_BLOCK[1]))),
    // With the origin of each row.
    stored: FLOAT * rows * (width + 3),
  };
}

function subspaceBytes(given: SubspaceOptions, images: number, context: PartContext): PartBytes {
  const options = withGridLevel(given, context);
  const plan = subspacePlan(options, context);
  const maps = Math.min(images, options.maxImages);
  const whole = positionsOf(plan) * plan.width;
  const isReduced = options.channels > 0 && options.channels < plan.width;
  const reduced = isReduced ? positionsOf(plan) * options.channels : whole;
  const axes = isReduced ? 3 * FLOAT * AXES_SAMPLE * plan.width + 3 * DOUBLE * plan.width ** 2 : 0;
  const components = options.components * reduced;
  return {
    host:
      FLOAT * (maps * whole + 2 * maps * reduced + 2 * components + FEATURE_BATCH * whole) +
      3 * DOUBLE * maps ** 2 +
      axes,
    backend: patchBytes(plan, context) + FLOAT * (2 * components + 4 * FEATURE_BATCH * reduced),
    stored: FLOAT * (components + reduced),
  };
}

function pooledBytes(options: PooledOptions, images: number, context: PartContext): PartBytes {
  const { levels } = context.teacher.extractor;
  const channels = pooledLevels(options, context).reduce((sum, index) => sum + levels[index]!.channels, 0);
  const width = options.pooling === 'mean' ? channels : 2 * channels;
  // Scatter, covariance, its factor and the inverse of that; the pooled features, one by one and joined.
  return {
    host: 4 * DOUBLE * width ** 2 + 2 * FLOAT * images * width,
    backend: FLOAT * FEATURE_BATCH * width,
    stored: FLOAT * (width + 2) * width,
  };
}

function positionBytes(options: PositionOptions, context: PartContext): PartBytes {
  const plan = positionPlan(options, context);
  const channels = Math.min(options.channels, plan.width);
  const means = positionsOf(plan) * channels;
  const squares = means * channels;
  return {
    host: DOUBLE * (squares + means) + 2 * FLOAT * squares + FLOAT * (means + FEATURE_BATCH * means),
    // The factors are transposed on the backend.
    backend: patchBytes(plan, context) + FLOAT * (2 * squares + means + 4 * FEATURE_BATCH * means),
    stored: FLOAT * (squares + means),
  };
}

function galleryBytes(options: GalleryOptions, images: number, context: PartContext): PartBytes {
  const shapes = galleryShapes(options, context);
  const values = shapes.reduce((sum, shape) => sum + shape.reduce((product, side) => product * side, 1), 0);
  const file = images * values * (options.storage === 'float16' ? 2 : FLOAT);
  const compared = Math.min(images, options.neighbors);
  const joined = options.combine === 'concat' ? 2 : 1;
  const [height, width] = shapes[0]!;
  const channels = shapes.reduce((sum, shape) => sum + shape[2], 0);
  const rows = joined === 1 ? values : height * width * channels;
  const [queries, block] = SEARCH_BLOCK;
  return {
    // What is kept, and the compared images: decoded, as rows, as columns for the backend.
    host: file + FLOAT * compared * (values + 2 * rows),
    backend: FLOAT * (compared * (joined * values + 2 * rows) + queries * (channels + 2 * block)),
    stored: file,
    file,
  };
}

/** Pooled features of all images. */
function nearestImagesBytes(images: number, { teacher }: PartContext): PartBytes {
  const { channels } = teacher.extractor.levels.at(-1)!;
  const stored = FLOAT * images * channels;
  return { host: 2 * stored, backend: FLOAT * FEATURE_BATCH * channels, stored };
}

/** Of each crop axes, coordinates and vectors of images; a batch on its directions. */
function setsBytes(options: SetsOptions, images: number, context: PartContext): PartBytes {
  const kept = Math.min(images, options.maxImages);
  const width = options.projections * options.thresholds;
  const places = placesOf(options, context);
  const shapes = context.teacher.extractor.outputShapes([context.inputSize[0], context.inputSize[1]]);
  const positions = setLevels(options, context).reduce(
    (sum, level) => sum + shapes[level]![0] * shapes[level]![1],
    0,
  );
  const values = places.length * kept * (width + kept);
  return {
    host:
      FLOAT * (values + places.length * kept * width) +
      // One crop at a time in float64, with the matrix of all products.
      DOUBLE * (2 * kept * width + 4 * kept ** 2) +
      FLOAT * 40 * positions * options.projections,
    backend: FLOAT * FEATURE_BATCH * positions * options.projections,
    stored: FLOAT * values,
    file: values * (options.storage === 'float16' ? 2 : FLOAT),
  };
}

/** Small images of one byte a color, one of them as floats. */
function piecesBytes(options: PiecesOptions, images: number, { inputSize }: PartContext): PartBytes {
  const { size } = pieceGrid(inputSize);
  const values = 3 * size[0] * size[1];
  return {
    host: Math.min(images, options.maxImages) * values + 2 * FLOAT * values,
    backend: 2 * FLOAT * FEATURE_BATCH * values,
    stored: Math.min(images, options.maxImages) * values,
  };
}

function partBytes(plan: PartPlan, images: number, context: PartContext): PartBytes {
  switch (plan.kind) {
    case 'bank':
      return bankBytes(plan.options, images, context);
    case 'subspace':
      return subspaceBytes(plan.options, images, context);
    case 'pooled':
      return pooledBytes(plan.options, images, context);
    case 'positions':
      return positionBytes(plan.options, context);
    case 'gallery':
      return galleryBytes(plan.options, images, context);
    case 'pieces':
      return piecesBytes(plan.options, images, context);
    case 'sets':
      return setsBytes(plan.options, images, context);
    case 'nearest-images':
      return nearestImagesBytes(images, context);
  }
}

/**
 * What fitting these parts takes, by arithmetic alone: arrays and tensors of the largest sizes, as if all were held at
 * once.
 * @throws {DskdError} `invalid-argument` without a teacher; `invalid-config` for levels that it does not have.
 */
export function estimateParts(method: string, plan: FitPlan, plans: PartPlans): CostEstimate {
  const { teacher, inputSize, images } = plan;
  assertTeacherGiven(teacher, method);
  const context = { teacher, inputSize };
  const weights = [...(teacher.weights?.values() ?? [])].reduce((sum, { data }) => sum + data.byteLength, 0);
  const features = teacher.extractor
    .outputShapes([inputSize[0], inputSize[1]])
    .reduce((sum, [height, width, channels]) => sum + FLOAT * height * width * channels, 0);
  const bytes = Object.entries(plans).map(([name, part]) => ({ name, ...partBytes(part, images, context) }));
  const parts = [
    { what: 'teacher', heap: 'main', bytes: weights },
    { what: 'features of a batch', heap: 'main', bytes: 3 * FEATURE_BATCH * features },
    ...bytes.flatMap(({ name, host, backend }) => [
      { what: `fit of ${name}`, heap: 'host', bytes: host },
      { what: `model of ${name}`, heap: 'main', bytes: backend },
    ]),
  ];
  const memory = sumMemory(parts, tf.getBackend());
  const file = weights + bytes.reduce((sum, part) => sum + (part.file ?? 0), 0);
  const exceeded = file > FILE_LIMIT ? [...memory.exceeded, fileExceeded(file, images)] : memory.exceeded;
  const model = weights + bytes.reduce((sum, part) => sum + part.stored, 0);
  return { bytes: memory.total, memory: { ...memory, exceeded }, files: { model }, steps: 0 };
}

function fileExceeded(bytes: number, images: number): string {
  const gibibytes = (count: number): string => `${(count / 2 ** 30).toFixed(2)} GiB`;
  return `the file of the features of ${images} images needs ${gibibytes(bytes)}, its limit is ${gibibytes(FILE_LIMIT)}`;
}
