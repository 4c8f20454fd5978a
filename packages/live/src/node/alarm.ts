import type { DetectorDescription, Prediction } from '@dskd/detector';

/** What is told of an alarm: JSON. */
export interface AlarmEvent {
  /** Names the alarm forever. An alarm that is delivered twice has the same one. */
  readonly id: string;
  /** Name of the model. */
  readonly model: string;
  readonly method: DetectorDescription['method'];
  /** The source, without passwords. */
  readonly source: string;
  /** Id of the frame: the name of a file, or a number. */
  readonly frame: string;
  /** When the frame was received: ISO 8601, UTC. */
  readonly time: string;
  /** Since when all frames had been anomalous. */
  readonly since: string;
  readonly score: number;
  readonly threshold: number;
  readonly pValue: number;
  readonly branches: Readonly<Record<string, { readonly score: number; readonly anomalous: boolean }>>;
  /** Areas above the threshold, in pixels of the whole image, as of `dskd predict`. */
  readonly regions: Prediction['regions'];
}

/** An alarm that is delivered. */
export interface Alarm {
  readonly event: AlarmEvent;
  /** The image of the frame as a file, for sinks that want it. */
  readonly image?: AlarmImage | undefined;
}

export interface AlarmImage {
  readonly bytes: Uint8Array;
  /** `png`, `jpg`, … */
  readonly extension: string;
}
