import { z } from 'zod';
import type { Alternative, FitPlan } from '../contract.js';
import { estimateParts } from '../features/estimate.js';
import type { PartPlans } from '../features/feature-model.js';
import { galleryOptions } from '../features/part-options.js';
import { assertTeacherGiven } from '../features/parts.js';
import { galleryLevels } from '../features/patch-plans.js';

/** Options of SPADE. */
export const spadeOptions = galleryOptions.extend({
  /**
   * `max`: the maximum of the map, as in later comparisons. `knn` adds the paper's own image score as a branch `global`
   * without a map: the mean distance of pooled features to the nearest training images.
   */
  imageScore: z.enum(['max', 'knn']).default('max'),
});
export type SpadeOptions = z.output<typeof spadeOptions>;

/** The parts of SPADE. */
export function spadePlans({ imageScore, ...options }: SpadeOptions): PartPlans {
  const { neighbors } = options;
  return {
    local: { kind: 'gallery', options },
    ...(imageScore === 'knn' && { global: { kind: 'nearest-images', options: { neighbors } } }),
  };
}

/** Smaller galleries: half precision, without the shallowest level, at half the size. */
export function spadeAlternatives(
  plan: FitPlan,
  options: SpadeOptions,
  availableBytes: number,
): Alternative[] {
  const fits = (changedPlan: FitPlan, changed: SpadeOptions): boolean => {
    const { memory } = estimateParts('spade', changedPlan, spadePlans(changed));
    return memory.exceeded.length === 0 && memory.total <= availableBytes;
  };
  const alternatives: Alternative[] = [];
  if (options.storage !== 'float16' && fits(plan, { ...options, storage: 'float16' })) {
    alternatives.push({ kind: 'method-options', value: { storage: 'float16' } });
  }
  const { teacher, inputSize } = plan;
  assertTeacherGiven(teacher, 'spade');
  const levels = galleryLevels(options, { teacher, inputSize }).map((index) => index + 1);
  while (levels.length > 1) {
    levels.shift();
    const fewer = { storage: 'float16' as const, levels: [...levels] };
    if (!fits(plan, { ...options, ...fewer })) continue;
    alternatives.push({ kind: 'method-options', value: fewer });
    break;
  }
  let size = plan.inputSize;
  while (Math.min(...size) >= 128) {
    // Multiples of 32 suit every backbone.
    size = size.map((side) => Math.round(side / 64) * 32) as [number, number];
    if (!fits({ ...plan, inputSize: size }, options)) continue;
    alternatives.push({ kind: 'input-size', value: size });
    break;
  }
  return alternatives;
}
