/** Area under a curve against the false-positive rate from 0 to `limit`, divided by `limit`: 0 to 1. */
export interface LimitedArea {
  readonly limit: number;
  readonly value: number;
  /** Lower bound of the exact area. */
  readonly lower: number;
  /** Upper bound of the exact area. */
  readonly upper: number;
}

/** A polyline. In reports and results it has at most 200 points (see `thinCurve`). */
export interface Curve {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** Metrics of one score (the fused score or that of a branch). NaN where a class is missing. */
export interface ScoreMetrics {
  /**
   * AUROC of all anomalous images against the good ones. In the protocol of MVTec LOCO AD the mean over subsets, each
   * against the good images.
   */
  readonly imageAuroc: number;
  /** As `imageAuroc`: a mean over subsets in the protocol of MVTec LOCO AD. */
  readonly imageAveragePrecision: number;
  /** As `imageAuroc`: a mean over subsets in the protocol of MVTec LOCO AD. */
  readonly imageF1Max: number;
  /** Image AUROC of one defect type (in MVTec LOCO AD one subset) against all good images. */
  readonly imageAurocByDefect: Readonly<Record<string, number>>;
  /** AUROC of pixels at the original image size, over test images with ground truth. */
  readonly pixelAuroc: number;
  readonly pixelAveragePrecision: number;
  /** AU-PRO over the 8-connected components of the masks, limit 0.3. Null without a mask. */
  readonly auPro: LimitedArea | null;
  /**
   * AU-sPRO of each subset together with the good images, at limits 0.01, 0.05, 0.1, 0.3, 1. Empty without a mask per
   * defect.
   */
  readonly auSpro: Readonly<Record<string, readonly LimitedArea[]>>;
  /** AU-sPRO of the regions of each defect type, with the false positives of their subset. */
  readonly auSproByDefect: Readonly<Record<string, readonly LimitedArea[]>>;
  readonly curves: {
    /** x false-positive rate, y true-positive rate, of images; all anomalous images together. */
    readonly roc: Curve;
    /** x recall, y precision, of images; all anomalous images together. */
    readonly precisionRecall: Curve;
    /** x false-positive rate of pixels, y mean overlap. Null without a mask. */
    readonly pro: Curve | null;
    /** x false-positive rate of pixels, y mean saturated overlap, per subset. */
    readonly spro: Readonly<Record<string, Curve>>;
  };
}

/** The scores of one test image. */
export interface ScoredSample {
  readonly id: string;
  readonly label: 'good' | 'anomalous';
  readonly defectType: string;
  readonly score: number;
  readonly branchScores: Readonly<Record<string, number>>;
  readonly verdict: 'normal' | 'anomalous';
}

/** Evaluation of a detector on the test images of a source, as plain data for JSON (which writes NaN as null). */
export interface EvaluationResult {
  /** Name of the source. */
  readonly source: string;
  /** In the protocol of MVTec AD all anomalous images are one class; in that of MVTec LOCO AD each subset is one. */
  readonly protocol: 'mvtec-ad' | 'mvtec-loco-ad';
  readonly images: { readonly good: number; readonly anomalous: number; readonly withMask: number };
  readonly fused: ScoreMetrics;
  readonly branches: Readonly<Record<string, ScoreMetrics>>;
  /** Errors at the detector's threshold. */
  readonly atThreshold: {
    readonly threshold: number;
    /** Good images scored above it. */
    readonly falseAlarms: number;
    /** Anomalous images not scored above it. */
    readonly misses: number;
  };
  readonly samples: readonly ScoredSample[];
}
