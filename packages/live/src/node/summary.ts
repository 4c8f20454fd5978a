import type { FrameOutcome } from './metrics.js';

/** What a run has done. */
export interface LiveSummary {
  readonly seconds: number;
  /** Frames that came, by what became of them. */
  readonly frames: Readonly<Record<FrameOutcome, number>>;
  readonly alarms: number;
  readonly source: {
    readonly opened: number;
    readonly failed: number;
    /** Why it could not be opened in any attempt; null where it gave a frame, or only has none. */
    readonly neverOpened: string | null;
  };
  readonly sinks: readonly SinkSummary[];
}

export interface SinkSummary {
  readonly sink: string;
  readonly delivered: number;
  /** Attempts that failed. */
  readonly failedAttempts: number;
  /** Alarms that the receiver will never take. They are set aside. */
  readonly refused: number;
  /** Alarms that were lost, since too many waited. */
  readonly dropped: number;
  /** Alarms that wait for the next start. */
  readonly waiting: number;
}

interface SinkCounts {
  delivered: number;
  failed: number;
  refused: number;
  dropped: number;
}

/** The numbers of a run while it goes on. */
export class Tally {
  readonly frames: Record<FrameOutcome, number> = { scored: 0, dropped: 0, skipped: 0, failed: 0 };
  alarms = 0;
  readonly source = { opened: 0, failed: 0 };
  readonly #sinks = new Map<string, SinkCounts>();

  of(sink: string): SinkCounts {
    const counts = this.#sinks.get(sink) ?? { delivered: 0, failed: 0, refused: 0, dropped: 0 };
    this.#sinks.set(sink, counts);
    return counts;
  }
}
