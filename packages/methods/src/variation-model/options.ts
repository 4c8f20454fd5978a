import { z } from 'zod';

/** Options of the variation model. */
export const variationOptions = z.strictObject({
  /**
   * How parts lie in images that are compared pixel by pixel. `none`: always alike. `translation`: shifted, by up to a
   * quarter of the image. `rigid`: shifted, and turned by up to 5 degrees.
   */
  align: z.enum(['none', 'translation', 'rigid']).default('none'),
  /** Gray levels, of 255, below which no standard deviation counts: HALCON's absolute threshold by its variation threshold. */
  floor: z.number().positive().max(255).default(5),
  /** Element type of what is learned, in the file. `float16` halves the file; scores are the same before and after. */
  storage: z.enum(['float32', 'float16']).default('float16'),
});
export type VariationOptions = z.output<typeof variationOptions>;
