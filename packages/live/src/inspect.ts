import { prefetch } from '@dskd/base';
import type { Prediction } from '@dskd/detector';
import type { AlarmRule } from './alarm-rule.js';
import type { BackoffOptions } from './backoff.js';
import { keptOpen, type SourceEvent } from './kept-open.js';
import { LatestFrames } from './latest-frames.js';
import type { Schedule } from './schedule.js';
import type { Frame, Source } from './source.js';

/** What happens while a source is inspected, beside the frames that are scored. */
export type InspectEvent =
  | SourceEvent
  /** A frame was left out: newer ones came before it could be scored. */
  | { readonly type: 'frame-dropped' }
  /** A frame came outside of the schedule. */
  | { readonly type: 'frame-skipped' };

export interface InspectOptions<Image> {
  /** Scores a frame, for example by the `predict` of an engine. */
  readonly score: (frame: Frame<Image>) => Promise<Prediction>;
  /** How many frames are scored at a time. Default 1. */
  readonly atATime?: number;
  /** Most frames of a live source that wait for a place. Default 2. */
  readonly buffer?: number;
  /** Decides which frames are alarms. */
  readonly rule: AlarmRule;
  /** Frames outside of it are not scored. Default: all are scored. */
  readonly schedule?: Schedule | undefined;
  /** Pauses before a source that failed is opened again. Default: 250 ms, doubled up to 15 s. */
  readonly backoff?: BackoffOptions;
  /** A live source that gives no frame for so long is opened again, in milliseconds. Default 10,000. */
  readonly stallMs?: number;
  /** Ends it: frames that are being scored are finished, those that wait are dropped. */
  readonly signal: AbortSignal;
  readonly onEvent?: (event: InspectEvent) => void;
}

/** A frame and its prediction, or why it has none. */
export interface InspectedFrame<Image> {
  readonly frame: Frame<Image>;
  readonly result: Prediction | Error;
  /** Where the frame is an alarm: since when all frames have been anomalous, in milliseconds since 1970. */
  readonly alarm: { readonly since: number } | undefined;
}

/** A frame, and how often frames were missing before it: the source had failed, or the schedule was closed. */
interface Taken<Image> {
  readonly frame: Frame<Image>;
  readonly gaps: number;
}

interface Scored<Image> extends Taken<Image> {
  readonly result: Prediction | Error;
}

/**
 * Inspects a source for as long as it has frames, and opens it again when it fails.
 * @returns the frames that were scored, in their order.
 * @throws {DskdError} of a source that cannot be opened at all; `invalid-argument`
 */
export async function* inspect<Image>(
  source: Source<Image>,
  options: InspectOptions<Image>,
): AsyncGenerator<InspectedFrame<Image>, void, undefined> {
  const { score, atATime = 1, rule, schedule, onEvent = () => undefined } = options;
  const { buffer = 2, stallMs = 10_000, backoff = { firstMs: 250, mostMs: 15_000 } } = options;
  // Also ends where the caller leaves the loop.
  const leaving = new AbortController();
  const signal = AbortSignal.any([options.signal, leaving.signal]);
  let gaps = 0;
  const opened = keptOpen(source, {
    backoff,
    stallMs,
    signal,
    onEvent(event) {
      if (event.type === 'source-failed') gaps++;
      onEvent(event);
    },
  });
  async function* within(): AsyncGenerator<Taken<Image>, void, undefined> {
    for await (const frame of opened) {
      if (schedule && !schedule.isOpen(frame.time)) {
        gaps++;
        onEvent({ type: 'frame-skipped' });
      } else {
        yield { frame, gaps };
      }
    }
  }
  const scored = async (taken: Taken<Image>): Promise<Scored<Image>> => {
    const result = await score(taken.frame).catch((error: unknown) =>
      error instanceof Error ? error : new Error(String(error)),
    );
    return { ...taken, result };
  };
  const taken = source.isLive
    ? latestOf(within(), buffer, signal, () => onEvent({ type: 'frame-dropped' }))
    : within();
  let known = 0;
  try {
    for await (const { frame, result, ...before } of prefetch(taken, atATime - 1, scored)) {
      if (before.gaps !== known) rule.interrupt();
      known = before.gaps;
      // Of a frame without a prediction it is not known whether it is anomalous.
      const alarm =
        result instanceof Error ? undefined : rule.next(frame.time, result.verdict === 'anomalous');
      yield { frame, result, alarm };
    }
  } finally {
    leaving.abort();
  }
}

/** The newest of what comes. Takes it from `items` at once, so that these never wait. */
async function* latestOf<T>(
  items: AsyncIterable<T>,
  capacity: number,
  signal: AbortSignal,
  onDrop: () => void,
): AsyncGenerator<T, void, undefined> {
  const latest = new LatestFrames<T>(capacity, onDrop);
  const stop = (): void => latest.close('drop');
  signal.addEventListener('abort', stop, { once: true });
  const pump = (async () => {
    try {
      for await (const item of items) latest.push(item);
    } finally {
      latest.close('keep');
    }
  })();
  // Told after the frames that came before it.
  pump.catch(() => undefined);
  try {
    yield* latest;
    await pump;
  } finally {
    signal.removeEventListener('abort', stop);
    latest.close('drop');
  }
}
