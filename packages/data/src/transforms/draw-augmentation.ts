import { randomStream } from '@dskd/base';
import type { Augmentation } from './augmentation.js';

/** Which image, and when. The same key draws the same, whatever was drawn before. */
export interface AugmentationKey {
  readonly seed: number;
  /** From 0. */
  readonly epoch: number;
  /** The sample's id. */
  readonly sample: string;
}

/** What happens to one image in one epoch. */
export interface DrawnAugmentation {
  readonly flipHorizontal: boolean;
  readonly flipVertical: boolean;
  /** Counter-clockwise. */
  readonly degrees: number;
  /** Factors; 1 changes nothing. */
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  /** Turns; 0 changes nothing. */
  readonly hue: number;
}

/**
 * Draws what happens to an image. Each number has a stream of its own, (seed, 'augment', epoch, sample, its
 * name), so that switching one variation on does not change the others.
 */
export function drawAugmentation(
  { flips, rotation, colorJitter }: Augmentation,
  { seed, epoch, sample }: AugmentationKey,
): DrawnAugmentation {
  const uniform = (name: string): number => randomStream(seed, 'augment', epoch, sample, name).uniform();
  const between = (name: string, low: number, high: number): number => low + (high - low) * uniform(name);
  const isJittered = uniform('color-jitter') < (colorJitter?.probability ?? 1);
  const jitter: Augmentation['colorJitter'] = isJittered ? colorJitter : undefined;
  const factor = (name: 'brightness' | 'contrast' | 'saturation'): number => {
    const strength = jitter?.[name] ?? 0;
    return strength === 0 ? 1 : between(name, Math.max(0, 1 - strength), 1 + strength);
  };
  const around = (name: string, limit = 0): number => (limit === 0 ? 0 : between(name, -limit, limit));
  return {
    flipHorizontal: flips?.horizontal === true && uniform('flip-horizontal') < 0.5,
    flipVertical: flips?.vertical === true && uniform('flip-vertical') < 0.5,
    degrees: around('rotation', rotation?.degrees),
    brightness: factor('brightness'),
    contrast: factor('contrast'),
    saturation: factor('saturation'),
    hue: around('hue', jitter?.hue),
  };
}
