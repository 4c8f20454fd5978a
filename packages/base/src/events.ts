/**
 * Progress of long operations. Libraries emit events and never print; the application decides what to show. Every
 * event is JSON-serializable.
 */
export type DskdEvent =
  | {
      readonly type: 'training-start';
      /** Milliseconds after which the run ends at the latest epoch that fits; `epochs` is then the most. */
      readonly timeLimit?: number;
      readonly epochs: number;
      readonly stepsPerEpoch: number;
      readonly samples: number;
      readonly students: readonly string[];
    }
  | { readonly type: 'epoch-start'; readonly epoch: number }
  | {
      readonly type: 'step-end';
      readonly epoch: number;
      /** Counted over the whole run, from 0. */
      readonly step: number;
      /** Loss by student name. */
      readonly losses: Readonly<Record<string, number>>;
      readonly samples: number;
    }
  | ({ readonly type: 'epoch-end' } & HistoryEntry)
  | { readonly type: 'checkpoint-saved'; readonly epoch: number; readonly step: number }
  | { readonly type: 'training-end'; readonly steps: number }
  | {
      /** Prediction error on images that were not trained on. */
      readonly type: 'held-out-error';
      /** Number of steps so far. */
      readonly step: number;
      /** Error by the name of the level. */
      readonly levels: Readonly<Record<string, number>>;
      /** Mean over the levels. */
      readonly mean: number;
    }
  | {
      /** Progress of a fit that has no epochs. */
      readonly type: 'fit-progress';
      /**
       * `features`: number of images the teacher has processed; otherwise the name of the branch, with progress in
       * percent.
       */
      readonly stage: string;
      readonly done: number;
      readonly total: number;
    }
  | {
      /** A branch whose fit was tried is not in the model: the images do not suit it. */
      readonly type: 'branch-left-out';
      readonly branch: string;
    }
  | {
      /** An image was read for the first time, before a training or a calibration. */
      readonly type: 'image-read';
      readonly id: string;
      /** How many of `total` have been read. */
      readonly done: number;
      readonly total: number;
    }
  | { readonly type: 'calibration-start'; readonly samples: number }
  | {
      readonly type: 'image-scored';
      readonly id: string;
      readonly index: number;
      readonly total: number;
      readonly score: number;
    }
  | {
      /** What computes scores was chosen among what this machine has. */
      readonly type: 'engine-chosen';
      readonly engine: 'tfjs' | 'onnx';
      /** Worker threads; 0 where the thread that asked computes. */
      readonly workers: number;
      /** Threads that each of them computes with. */
      readonly threads: number;
      readonly reason: string;
    }
  | { readonly type: 'warning'; readonly message: string };

export type EventListener = (event: DskdEvent) => void;

/** One epoch of a training. */
export interface HistoryEntry {
  readonly epoch: number;
  /** Loss by student name: the mean over the steps of the epoch. */
  readonly losses: Readonly<Record<string, number>>;
  /** After the epoch, the mean loss of images that are not trained on, where there are any. */
  readonly heldOut?: Readonly<Record<string, number>>;
}
