import type { Rectangle } from '@dskd/data';
import type { Region } from '@dskd/scoring';

/** A map of scores over the network's input. */
export interface ScoreMap {
  /** Row-major, `width * height`. Units: standard deviations of normal images, summed over branches. */
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** How one branch saw an image. */
export interface BranchPrediction {
  /** Maximum of the branch's own smoothed, normalized map; of a branch without a map its normalized score. */
  readonly score: number;
  /** Conformal p-value of that score among the normal images' scores of this branch. */
  readonly pValue: number;
  /** Whether this branch alone would raise an alarm at the detector's false-alarm rate. */
  readonly anomalous: boolean;
  /** Null for a branch without a map: it adds to the image score only. */
  readonly map: ScoreMap | null;
}

/** What a detector says of one image. Typed arrays and plain objects, no tensors. */
export interface Prediction {
  /** Maximum of the fused, smoothed map: raw, not squeezed into 0..1. */
  readonly score: number;
  /** Anomalous is a score above it. */
  readonly threshold: number;
  readonly verdict: 'normal' | 'anomalous';
  /** `(1 + #{normal scores >= score}) / (n + 1)`: small is unusual; never below `1 / (n + 1)`. */
  readonly pValue: number;
  /** `local` sees structural faults, `global` logical ones. */
  readonly branches: Readonly<Record<string, BranchPrediction>>;
  /** At network size. {@link mapInImage} brings it to the image's own pixels. */
  readonly map: ScoreMap;
  /** The part of the maps that shows the image, in whole pixels; the rest is a letterbox's border. */
  readonly content: Rectangle;
  /**
   * 1 where a pixel of the maps did not count (ignore mask, border): it has no part in scores and regions, and
   * its value is no higher than any that counts. Null where all counted.
   */
  readonly ignored: Uint8Array | null;
  /** Connected areas of the map above the threshold, in pixels of the image as given. */
  readonly regions: readonly Region[];
}
