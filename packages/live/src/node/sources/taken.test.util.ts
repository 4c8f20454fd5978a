import type { EngineImage } from '@dskd/engine/node';
import type { Frame, Source } from '../../source.js';

/** The address of a moving picture that ffmpeg draws. */
export const TRIAL = 'lavfi:testsrc2=size=64x48:rate=25';

/** The first frames of a source, which is ended then. */
export async function taken(source: Source<EngineImage>, count: number): Promise<Frame<EngineImage>[]> {
  const stop = new AbortController();
  const frames: Frame<EngineImage>[] = [];
  for await (const frame of source.frames(stop.signal)) {
    frames.push(frame);
    if (frames.length === count) break;
  }
  stop.abort();
  return frames;
}
