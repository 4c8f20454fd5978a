/** Threshold-free quality of one score (the fused one, or a branch's). NaN where a class is missing. */
export interface ScoreQuality {
  readonly imageAuroc: number;
  readonly imageAveragePrecision: number;
  readonly imageF1Max: number;
  /** At network size, over test pictures whose ground truth is known. */
  readonly pixelAuroc: number;
  /** Image AUROC of one defect type against all good pictures. */
  readonly imageAurocByDefect: Readonly<Record<string, number>>;
}

/** One test picture's scores. */
export interface ScoredSample {
  readonly id: string;
  readonly label: 'good' | 'anomalous';
  readonly defectType: string;
  readonly score: number;
  readonly branchScores: Readonly<Record<string, number>>;
  readonly verdict: 'normal' | 'anomalous';
}

/** What a detector scored on the test pictures of a source, as plain data: it survives JSON but for its NaNs. */
export interface EvaluationResult {
  /** Name of the source. */
  readonly source: string;
  readonly pictures: { readonly good: number; readonly anomalous: number; readonly withMask: number };
  readonly fused: ScoreQuality;
  readonly branches: Readonly<Record<string, ScoreQuality>>;
  /** At the detector's threshold. */
  readonly atThreshold: {
    readonly threshold: number;
    /** Good pictures scored above it. */
    readonly falseAlarms: number;
    /** Anomalous pictures not scored above it. */
    readonly misses: number;
  };
  readonly samples: readonly ScoredSample[];
}
