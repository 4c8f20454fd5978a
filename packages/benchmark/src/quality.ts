import type { ScoreQuality } from '@dskd/metrics';

/** What a combination of students is worth on the test pictures of its category. */
export type Quality = Pick<
  ScoreQuality,
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
