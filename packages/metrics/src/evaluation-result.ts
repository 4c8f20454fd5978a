/** Area under a curve against the false-positive rate, from 0 up to `limit`, over `limit`: 0 to 1. */
export interface LimitedArea {
  readonly limit: number;
  readonly value: number;
  /** The exact area is not below it. */
  readonly lower: number;
  /** The exact area is not above it. */
  readonly upper: number;
}

/** A polyline, thinned out to at most 200 points, first and last kept. */
export interface Curve {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** How well one score (the fused one, or a branch's) separates. NaN where a class is missing. */
export interface ScoreMetrics {
  /**
   * Of all anomalous images against the good ones; in the protocol of MVTec LOCO AD the mean of the subsets'
   * (each against the good ones, never pooled).
   */
  readonly imageAuroc: number;
  /** As `imageAuroc`: a mean over subsets in the protocol of MVTec LOCO AD. */
  readonly imageAveragePrecision: number;
  /** As `imageAuroc`: a mean over subsets in the protocol of MVTec LOCO AD. */
  readonly imageF1Max: number;
  /** Image AUROC of one defect type (in MVTec LOCO AD one subset) against all good images. */
  readonly imageAurocByDefect: Readonly<Record<string, number>>;
  /** In the images' own pixels, over test images whose ground truth is known. */
  readonly pixelAuroc: number;
  readonly pixelAveragePrecision: number;
  /** AU-PRO over the 8-connected components of the masks, limit 0.3. Null without a mask. */
  readonly auPro: LimitedArea | null;
  /**
   * AU-sPRO of each subset, each with the good images, at limits 0.01, 0.05, 0.1, 0.3, 1. Empty where defects
   * are not known apart.
   */
  readonly auSpro: Readonly<Record<string, readonly LimitedArea[]>>;
  /** AU-sPRO of one type of defect region, false positives as of its subset. */
  readonly auSproByDefect: Readonly<Record<string, readonly LimitedArea[]>>;
  readonly curves: {
    /** False-positive rate, true-positive rate; of images, all anomalous ones together. */
    readonly roc: Curve;
    /** Recall, precision; of images, all anomalous ones together. */
    readonly precisionRecall: Curve;
    /** False-positive rate of pixels, mean overlap. Null without a mask. */
    readonly pro: Curve | null;
    /** False-positive rate of pixels, mean saturated overlap, per subset. */
    readonly spro: Readonly<Record<string, Curve>>;
  };
}

/** One test image's scores. */
export interface ScoredSample {
  readonly id: string;
  readonly label: 'good' | 'anomalous';
  readonly defectType: string;
  readonly score: number;
  readonly branchScores: Readonly<Record<string, number>>;
  readonly verdict: 'normal' | 'anomalous';
}

/** What a detector scored on the test images of a source, as plain data: it survives JSON but for its NaNs. */
export interface EvaluationResult {
  /** Name of the source. */
  readonly source: string;
  /** By MVTec AD's rules all anomalous images are one class; by MVTec LOCO AD's each subset is one. */
  readonly protocol: 'mvtec-ad' | 'mvtec-loco-ad';
  readonly images: { readonly good: number; readonly anomalous: number; readonly withMask: number };
  readonly fused: ScoreMetrics;
  readonly branches: Readonly<Record<string, ScoreMetrics>>;
  /** At the detector's threshold. */
  readonly atThreshold: {
    readonly threshold: number;
    /** Good images scored above it. */
    readonly falseAlarms: number;
    /** Anomalous images not scored above it. */
    readonly misses: number;
  };
  readonly samples: readonly ScoredSample[];
}
