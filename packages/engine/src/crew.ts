import type { DskdError } from '@dskd/base';
import type { DetectorDescription, Prediction, PredictOptions } from '@dskd/detector';

/** What an engine computes with, and for which detector. */
export interface EngineFacts {
  /** TensorFlow.js or ONNX Runtime. */
  readonly engine: 'tfjs' | 'onnx';
  /** Worker threads; 0 where the thread that made the engine computes. */
  readonly workers: number;
  /** Threads that each of them computes with; null where the maker of the predictor decided it. */
  readonly threads: number | null;
  /** Of TensorFlow.js; null where ONNX Runtime computes. */
  readonly backend: string | null;
  readonly description: DetectorDescription;
  /** Why this engine. */
  readonly reason: string;
}

/** What is asked of one image. */
export type ScoreOptions = Omit<PredictOptions, 'batchSize' | 'signal'>;

/** Those who score images with one detector. An engine has one crew, and two while it swaps. */
export interface Crew<Image> {
  readonly info: EngineFacts;
  /** Most images that it takes at a time. */
  readonly size: number;
  /** How many more images it takes now. */
  readonly room: number;
  /** Why it takes no image any more. */
  readonly failure: DskdError | undefined;
  /** Called when `room` or `failure` changed while no prediction ended. */
  onChange: (() => void) | undefined;
  /** Takes an image. `room` is smaller when this returns, and larger again when the promise has settled. */
  score(image: Image, options: ScoreOptions): Promise<Prediction>;
  /** Frees everything. What is being scored is finished before, or dropped where that is possible. */
  end(how: 'finish' | 'drop'): Promise<void>;
}

/**
 * Images that one thread takes at a time: the second is decoded while the first is scored, and is there when the first is
 * done.
 */
export const AT_A_TIME = 2;
