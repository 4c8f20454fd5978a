import { randomUUID } from 'node:crypto';
import { toRgb, type Rectangle } from '@dskd/data';
import { decodeImage, encodeImage } from '@dskd/data/node';
import type { DetectorDescription, Prediction } from '@dskd/detector';
import type { EngineImage } from '@dskd/engine/node';
import { cropPixels, type Area } from '../area.js';
import type { Frame } from '../source.js';
import type { AlarmEvent, AlarmImage } from './alarm.js';

/** Not instanceof: bytes may come from another realm. */
const isEncoded = (image: EngineImage): image is string | Uint8Array =>
  typeof image === 'string' || Object.prototype.toString.call(image) === '[object Uint8Array]';

/** The part of a frame that is inspected, and where it is. */
export interface Inspected {
  readonly image: EngineImage;
  /** Undefined where it is all of the frame. */
  readonly area: Rectangle | undefined;
}

/**
 * Cuts the area that is inspected out of a frame. Without an area the frame is left as it is, to be decoded by a worker.
 * @throws {DskdError} `image-unreadable`; `invalid-argument` where the image is smaller than the area.
 */
export async function inspectedPart(
  image: EngineImage,
  area: Area | undefined,
  { intensityRange }: Pick<DetectorDescription, 'intensityRange'>,
): Promise<Inspected> {
  if (!area) return { image, area: undefined };
  const pixels = isEncoded(image) ? await decodeImage(image, { intensityRange }) : toRgb(image);
  const rectangle = area.in(pixels);
  return { image: cropPixels(pixels, rectangle), area: rectangle };
}

const startsWith = (bytes: Uint8Array, magic: string): boolean =>
  Buffer.from(bytes.subarray(0, magic.length)).toString('latin1') === magic;

/** The image of a frame as a file: as it came, or as PNG. */
export async function imageOf({ id, image }: Frame<EngineImage>): Promise<AlarmImage | undefined> {
  if (typeof image === 'string') return undefined;
  if (!isEncoded(image)) return { bytes: await encodeImage(toRgb(image)), extension: 'png' };
  const ofFile = /\.([a-z0-9]{1,5})$/i.exec(id)?.[1]?.toLowerCase();
  const extension = ofFile ?? (startsWith(image, '\x89PNG') ? 'png' : 'jpg');
  return { bytes: image, extension };
}

export interface AlarmFacts {
  readonly model: string;
  readonly method: string;
  readonly source: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** What was inspected of the frame. */
  readonly area: Rectangle | undefined;
}

/** An alarm as it is told. */
export function alarmEvent(
  { id, time }: Frame<EngineImage>,
  { score, threshold, pValue, branches, regions }: Prediction,
  { since, area, ...facts }: AlarmFacts,
): AlarmEvent {
  const { left, top } = area ?? { left: 0, top: 0 };
  return {
    id: randomUUID(),
    ...facts,
    frame: id,
    time: new Date(time).toISOString(),
    since: new Date(since).toISOString(),
    score,
    threshold,
    pValue,
    branches: Object.fromEntries(
      Object.entries(branches).map(([name, branch]) => [
        name,
        { score: branch.score, anomalous: branch.anomalous },
      ]),
    ),
    regions: regions.map((region) => ({
      ...region,
      box: { ...region.box, left: region.box.left + left, top: region.box.top + top },
      peak: { x: region.peak.x + left, y: region.peak.y + top },
    })),
  };
}
