import { existsSync } from 'node:fs';
import { DskdError, type EventListener } from '@dskd/base';
import { freeSpace } from '@dskd/data/node';
import { estimateTraining, type TrainDetectorOptions } from '@dskd/detector';

/** A file that a training will write. */
interface PlannedFile {
  readonly path: string;
  /** Bytes that writing it takes, about. */
  readonly bytes: number;
}

/** Of closed forms the estimate is up to three times too high: less room than this share of it is certainly not enough. */
const CERTAIN = 1 / 4;

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/**
 * Compares what files need with the room on their file system.
 * @returns a warning where it may not be enough.
 * @throws {DskdError} `file-not-writable` where it is by far not enough.
 */
export function assertRoom(files: readonly PlannedFile[], free: number): string | undefined {
  const needed = files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (free >= needed) return undefined;
  const names = files.map(({ path }) => path).join(' and ');
  const message = `${names} will take about ${mebibytes(needed)}; there are ${mebibytes(free)} free.`;
  if (free >= CERTAIN * needed) return `${message} They may not be enough.`;
  throw new DskdError('file-not-writable', message, {
    hint: 'Free disk space, or choose another path.',
    details: { paths: files.map(({ path }) => path), needed, free },
  });
}

/**
 * Checks before a training whether there is room for its model and its checkpoints. A file is replaced only once the new one
 * is complete, so that both need room for a moment.
 * @throws {DskdError} `file-not-writable`; as `estimateTraining`.
 */
export async function checkSpace(
  training: TrainDetectorOptions,
  { model, checkpoint }: { readonly model: string; readonly checkpoint: string | undefined },
  onEvent: EventListener,
): Promise<void> {
  const { files } = await estimateTraining(training, { measuredSteps: 0 });
  if (!files) return;
  const planned: PlannedFile[] = [{ path: model, bytes: files.model }];
  if (checkpoint !== undefined && files.checkpoint !== undefined) {
    planned.push({ path: checkpoint, bytes: files.checkpoint * (existsSync(checkpoint) ? 1 : 2) });
  }
  const byDevice = new Map<number, { free: number; files: PlannedFile[] }>();
  for (const file of planned) {
    const space = await freeSpace(file.path);
    if (!space) continue;
    const there = byDevice.get(space.device) ?? { free: space.bytes, files: [] };
    there.files.push(file);
    byDevice.set(space.device, there);
  }
  for (const { free, files: ofDevice } of byDevice.values()) {
    const message = assertRoom(ofDevice, free);
    if (message !== undefined) onEvent({ type: 'warning', message });
  }
}
