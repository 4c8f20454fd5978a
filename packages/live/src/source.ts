/** An image of a source. */
export interface Frame<Image> {
  /** The name of a file, or the number of the frame since the source was opened. */
  readonly id: string;
  /** When it was received, in milliseconds since 1970. */
  readonly time: number;
  /** Pixels, or the bytes of an encoded image. */
  readonly image: Image;
}

/** A camera, a video, a folder: whatever gives images one after another. */
export interface Source<Image> {
  /** As logs and alarms name it, without passwords. */
  readonly name: string;
  /**
   * Whether frames come at a pace of their own, so that the oldest are left out where they are not scored in time. Otherwise the next
   * frame is asked for when there is room for it, and none is left out.
   */
  readonly isLive: boolean;
  /**
   * Opens it. The iteration ends when there will be no more frames, or soon after the signal is aborted. It throws when the source
   * fails, and the source is then opened again; `dependency-missing` and `invalid-argument` are for good.
   */
  frames(signal: AbortSignal): AsyncIterable<Frame<Image>>;
}
