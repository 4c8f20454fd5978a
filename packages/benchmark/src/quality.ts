import type { ScoreMetrics } from '@dskd/metrics';

/** What a combination of students is worth on the test images of its category. */
export type Quality = Pick<
  ScoreMetrics,
  'imageAuroc' | 'imageAurocByDefect' | 'pixelAuroc' | 'auPro' | 'auSpro'
>;

/** A training that is done. */
export interface TrainedCell {
  /** Mean loss of the last epoch. */
  readonly finalLoss: number;
  readonly steps: number;
  readonly seconds: number;
  /** Bytes of the student's file. */
  readonly bytes: number;
}
