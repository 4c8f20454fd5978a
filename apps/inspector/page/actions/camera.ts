import { signal } from '@preact/signals';
import { transfer } from 'comlink';
import { inspector, reasonOf } from '../client.js';
import { t } from '../languages/index.js';
import { areas, model, say } from '../state.js';
import type { LiveView } from '../worker/api.js';
import { addGoodImages } from './good-images.js';

/** The stream of the camera, while it is on. */
export const stream = signal<MediaStream | undefined>(undefined);
/** The last frame that was inspected, while frames are. */
export const liveView = signal<LiveView | undefined>(undefined);
export const liveRate = signal<{ readonly perSecond: number; readonly leftOut: number } | undefined>(
  undefined,
);
export const isLive = signal(false);

/** Width in pixels that is asked of the camera and taken of its frames: several times that of the network's input. */
const FRAME_WIDTH = 640;

/** What the camera shows now. */
function frameOf(video: HTMLVideoElement): Promise<ImageBitmap> {
  const share = Math.min(1, FRAME_WIDTH / video.videoWidth);
  return createImageBitmap(video, {
    resizeWidth: Math.round(video.videoWidth * share),
    resizeHeight: Math.round(video.videoHeight * share),
    resizeQuality: 'medium',
  });
}

/** Seconds over which the rate is measured. */
const WINDOW_S = 2;

export async function startCamera(): Promise<void> {
  try {
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    if (!devices) throw new Error('HTTPS');
    stream.value = await devices.getUserMedia({
      video: { facingMode: 'environment', width: { ideal: FRAME_WIDTH } },
    });
  } catch (error) {
    say(() => t('cameraFailed', { reason: reasonOf(error) }), true);
  }
}

export function stopCamera(): void {
  isLive.value = false;
  for (const track of stream.value?.getTracks() ?? []) track.stop();
  stream.value = undefined;
}

let shots = 0;

/** Adds what the camera shows to the good images. */
export async function takeShot(video: HTMLVideoElement): Promise<void> {
  const frame = await frameOf(video);
  const file = await inspector.shotOf(transfer(frame, [frame]));
  await addGoodImages([{ id: `camera-${String(++shots).padStart(3, '0')}.png`, file, isShot: true }]);
}

function nextFrame(video: HTMLVideoElement): Promise<VideoFrameCallbackMetadata> {
  return new Promise((resolve) => {
    video.requestVideoFrameCallback((_, metadata) => resolve(metadata));
  });
}

/** Rate and share of frames that were left out, over the last seconds. */
class RateMeter {
  #frames: { readonly at: number; readonly presented: number }[] = [];

  add(presented: number): void {
    const at = performance.now();
    this.#frames = [...this.#frames.filter((frame) => at - frame.at < WINDOW_S * 1000), { at, presented }];
    const first = this.#frames[0]!;
    const count = this.#frames.length - 1;
    const seconds = (at - first.at) / 1000;
    if (count < 1 || seconds === 0) return;
    const shown = Math.max(count, presented - first.presented);
    liveRate.value = { perSecond: count / seconds, leftOut: 1 - count / shown };
  }
}

/**
 * Inspects frames until it is stopped: always the newest one when the last is done. What comes meanwhile is left out, so that
 * nothing queues up on a slow machine.
 */
export async function inspectLive(video: HTMLVideoElement): Promise<void> {
  if (isLive.value) return;
  isLive.value = true;
  const meter = new RateMeter();
  try {
    while (isLive.peek() && stream.value && model.value) {
      const { presentedFrames } = await nextFrame(video);
      const frame = await frameOf(video);
      const view = await inspector.live(transfer(frame, [frame]), areas.value);
      liveView.value?.frame.close();
      liveView.value = view;
      meter.add(presentedFrames);
    }
  } catch (error) {
    say(() => t('failed', { reason: reasonOf(error) }), true);
  } finally {
    isLive.value = false;
    liveView.value?.frame.close();
    liveView.value = undefined;
    liveRate.value = undefined;
  }
}
