import * as tf from '@tensorflow/tfjs-core';
import type { CostEstimate, FitPlan } from '../contract.js';
import type { PartPlan, PartPlans } from './feature-model.js';
import { assertTeacherGiven, gridLevelFor, levelsOf } from './part-options.js';
import { FEATURE_BATCH, type PartContext } from './parts.js';
import { planPatches } from './patches.js';

/** Largest heap of wasm, which has 32-bit addresses. */
const WASM_HEAP_LIMIT = 2 ** 32;
const FLOAT_BYTES = 4;

interface Bytes {
  /** Outside the backend. */
  readonly host: number;
  /** On the backend, while it scores a batch. */
  readonly backend: number;
}

/** What a part holds at its peak. */
function partBytes(plan: PartPlan, images: number, { teacher, inputSize }: PartContext): Bytes {
  const { extractor } = teacher;
  const positions = ([height, width]: readonly [number, number]): number => height * width;
  switch (plan.kind) {
    case 'bank': {
      const { options } = plan;
      const patches = planPatches(extractor, inputSize, {
        levels: levelsOf(options.levels, extractor, 'all'),
        gridLevel: options.gridLevel ?? gridLevelFor(extractor, 8),
        embedding: options.embedding,
      });
      const perImage = positions(patches.grid);
      const kept = images * Math.min(perImage, Math.max(1, Math.floor(options.maxPatches / images)));
      const rows = 'count' in options.coreset ? options.coreset.count : options.coreset.fraction * images * perImage;
      const wide = patches.width * FLOAT_BYTES;
      return {
        host: kept * (wide + options.projection * FLOAT_BYTES) + rows * wide,
        backend: 2 * FEATURE_BATCH * perImage * wide + rows * wide + 1024 * Math.min(rows, 4096) * FLOAT_BYTES,
      };
    }
    case 'subspace': {
      const { options } = plan;
      const levels = levelsOf(options.levels, extractor, 'deepest-two');
      const patches = planPatches(extractor, inputSize, {
        levels,
        gridLevel: options.gridLevel ?? Math.max(...levels),
      });
      const whole = positions(patches.grid) * patches.width * FLOAT_BYTES;
      const reduced = options.channels > 0 ? (whole / patches.width) * options.channels : whole;
      const maps = Math.min(images, options.maxImages);
      return {
        host: maps * (whole + reduced) + options.components * reduced,
        backend: 2 * options.components * reduced + 4 * FEATURE_BATCH * whole,
      };
    }
    case 'pooled': {
      const width = 2 * extractor.levels.reduce((sum, { channels }) => sum + channels, 0);
      return { host: 8 * (3 * width * width + images * width), backend: 0 };
    }
    case 'positions': {
      const { options } = plan;
      const levels = levelsOf(options.levels, extractor, 'deepest-two');
      const patches = planPatches(extractor, inputSize, {
        levels,
        gridLevel: options.gridLevel ?? Math.min(...levels),
      });
      const squares = positions(patches.grid) * Math.min(options.channels, patches.width) ** 2;
      return { host: squares * (8 + FLOAT_BYTES), backend: 2 * squares * FLOAT_BYTES };
    }
  }
}

/** What fitting these parts takes, by arithmetic alone. */
export function estimateParts(method: string, plan: FitPlan, plans: PartPlans): CostEstimate {
  const { teacher, inputSize, images } = plan;
  assertTeacherGiven(teacher, method);
  const weights = [...(teacher.weights?.values() ?? [])].reduce((sum, { data }) => sum + data.byteLength, 0);
  const features = teacher.extractor
    .outputShapes([inputSize[0], inputSize[1]])
    .reduce((sum, shape) => sum + FLOAT_BYTES * shape.reduce((product, side) => product * side, 1), 0);
  const parts = [
    { what: 'teacher', heap: 'main', bytes: weights },
    { what: 'features of a batch', heap: 'main', bytes: 3 * FEATURE_BATCH * features },
    ...Object.entries(plans).flatMap(([name, part]) => {
      const { host, backend } = partBytes(part, images, { teacher, inputSize });
      return [
        { what: `fit of ${name}`, heap: 'host', bytes: host },
        { what: `model of ${name}`, heap: 'main', bytes: backend },
      ];
    }),
  ];
  const sum = (list: readonly { readonly bytes: number }[]): number =>
    list.reduce((total, { bytes }) => total + bytes, 0);
  const main = sum(parts.filter(({ heap }) => heap === 'main'));
  const total = sum(parts);
  const heaps = [{ heap: 'main', bytes: main, ...(tf.getBackend() === 'wasm' && { limit: WASM_HEAP_LIMIT }) }];
  return { bytes: total, memory: { parts, heaps, total }, steps: 0 };
}
