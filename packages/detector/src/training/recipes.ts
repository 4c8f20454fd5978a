import { gcadAugmentation } from '@dskd/data';
import { TRAINING_DEFAULTS, type DskdOptions } from '@dskd/methods';
import type { BackboneName } from '@dskd/models';
import type { CalibrationOptions } from './calibration-options.js';
import type { InputOptions } from './training-options.js';

/** Settings of a published training: plain JSON. */
export interface Recipe {
  /** Whose weights to load; torchvision's first ImageNet ones (file tag 95faca4d for Wide-ResNet-50-2). */
  readonly teacher: { readonly name: BackboneName; readonly levels: readonly string[] };
  /** For `trainDetector({ source, teacher, ...training })`. */
  readonly training: {
    readonly method: 'dskd';
    readonly options: DskdOptions;
    readonly input: Required<Pick<InputOptions, 'size' | 'fit' | 'augmentation'>>;
    readonly calibration: Required<Pick<CalibrationOptions, 'sigma'>>;
  };
}

/**
 * What the paper (Zhang, Suganuma and Okatani, WACV 2024) trained with: Wide-ResNet-50-2 at 256 px, students of
 * its widths, g = 1024, temperature 1, Adam 0.5 / 0.999 at 0.005 for both, batches of 16, 200 epochs, GCAD's
 * augmentations by category. The local student learns by the flattened cosine of RD4AD's code, whose recipe the
 * paper takes over, not by the per-pixel one that its Eq. 1 prints. Where the paper is silent: sigma 4 (RD4AD),
 * random initial weights of OCBE_glo (`initialize` takes the teacher's stage 4).
 * @param category of MVTec LOCO AD, for the flips; without one images are not flipped.
 */
export function paperRecipe(category?: string): Recipe {
  return {
    teacher: { name: 'wide_resnet50_2', levels: ['layer1', 'layer2', 'layer3'] },
    training: {
      method: 'dskd',
      options: structuredClone<DskdOptions>(TRAINING_DEFAULTS.paper),
      input: { size: [256, 256], fit: 'stretch', augmentation: gcadAugmentation(category) },
      calibration: { sigma: 4 },
    },
  };
}
