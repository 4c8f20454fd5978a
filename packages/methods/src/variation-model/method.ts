import { sumMemory } from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';
import type { CostEstimate, FitPlan, Method } from '../contract.js';
import { TRAINING_DEFAULTS } from '../defaults.js';
import { rotationsOf } from './aligner.js';
import { BATCH, fitVariationModel } from './fit.js';
import { searchSizeOf } from './gradient-image.js';
import { restoreVariationModel } from './model.js';
import { variationOptions, type VariationOptions } from './options.js';
import { powerOfTwo } from './spectrum.js';

const FLOAT = 4;
const DOUBLE = 8;

/** Bytes of the spectra of a reference, and of those that one alignment works with. */
function alignmentBytes({ inputSize }: FitPlan, { align }: VariationOptions): number {
  if (align === 'none') return 0;
  const [rows, columns] = searchSizeOf(inputSize);
  const spectrum = 2 * DOUBLE * powerOfTwo(rows) * powerOfTwo(columns);
  return (rotationsOf(align).length + 6) * spectrum;
}

/** What a fit takes, by arithmetic alone. */
function estimateVariationModel(plan: FitPlan, options: VariationOptions): CostEstimate {
  const [height, width] = plan.inputSize;
  const values = 3 * height * width;
  const parts = [
    { what: 'images of a batch', heap: 'main', bytes: FLOAT * BATCH * values },
    { what: 'images of a batch', heap: 'host', bytes: 2 * FLOAT * BATCH * values },
    { what: 'mean and deviation', heap: 'host', bytes: (2 * DOUBLE + 4 * FLOAT + 2) * values },
    { what: 'alignment', heap: 'host', bytes: alignmentBytes(plan, options) },
  ];
  const memory = sumMemory(parts, tf.getBackend());
  return { bytes: memory.total, memory, files: { model: 2 * FLOAT * values }, steps: 0 };
}

/**
 * The variation model: mean and standard deviation of each pixel, as HALCON's `create_variation_model` and
 * `prepare_variation_model` describe it; a row of the tables of MVTec AD (Bergmann et al., 2019) and of GCAD (2022).
 * Needs no teacher. What it does not cover: parts that lie or look differently from image to image.
 */
export const vmMethod: Method<VariationOptions> = {
  name: 'vm',
  summary:
    'the variation model: mean and standard deviation of each pixel of aligned images, no network (HALCON)',
  options: variationOptions,
  profiles: {
    paper: variationOptions.parse({ align: 'rigid', storage: 'float32' }),
    lite: variationOptions.parse({}),
  },
  needs: { teacher: false, validation: true },
  looksOnce: true,
  preferredSide: TRAINING_DEFAULTS.preferredSide,
  estimate: estimateVariationModel,
  fit: fitVariationModel,
  restore: (saved, context) => Promise.resolve().then(() => restoreVariationModel(saved, context)),
};
