import type { z } from 'zod';
import type { FitPlan, Method } from '../contract.js';
import { fitImageStudent } from './fit.js';
import { estimateImageStudent } from './memory.js';
import { restoreImageModel } from './model.js';
import type { ImageTraining } from './plan.js';

/** What differs from one method of an image network to the next. */
interface Recipe<Options> {
  readonly name: string;
  readonly summary: string;
  readonly options: z.ZodType<Options>;
  readonly profiles: Method<Options>['profiles'];
  readonly teacher: boolean;
  readonly tiling?: Method<Options>['tiling'];
  /** @throws {DskdError} `invalid-config`, `invalid-argument` for options that make no sense together. */
  readonly training: (plan: FitPlan, options: Options) => ImageTraining;
}

/** A method that trains one network on images. */
export function imageMethod<Options>(recipe: Recipe<Options>): Method<Options> {
  const { name, training, tiling } = recipe;
  return {
    name,
    summary: recipe.summary,
    options: recipe.options,
    profiles: recipe.profiles,
    needs: { teacher: recipe.teacher, validation: false },
    ...(tiling && { tiling }),
    estimate: (plan, options) => estimateImageStudent(plan, training(plan, options)),
    fit: async (input, options) => fitImageStudent(name, input, training(input, options)),
    restore: (saved, context) => Promise.resolve().then(() => restoreImageModel(name, saved, context)),
  };
}
