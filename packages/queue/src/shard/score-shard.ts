import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DskdError, isDskdError, prefetch } from '@dskd/base';
import { plainPrediction } from '@dskd/engine';
import type { Prediction } from '@dskd/detector';
import { sha256, sha256OfFile } from '../plan/storage.js';
import type { PlannedImage, Shard } from '../plan/plan.js';
import { fetchImage, isUrl } from './fetch-image.js';

/** What scores images for a shard. */
export interface Scorer {
  /** Images that it is busy with at a time. */
  readonly atATime: number;
  /** Takes a path or the bytes of a file. Rejects with `image-unreadable` or `file-not-found` where it is no image. */
  readonly predict: (image: string | Uint8Array, signal: AbortSignal) => Promise<Prediction>;
}

export interface ScoreShardOptions {
  readonly scorer: Scorer;
  /** Where relative paths begin. */
  readonly root: string;
  readonly signal: AbortSignal;
}

function changed({ path: place, sha256: wanted }: PlannedImage, got: string): DskdError {
  return new DskdError(
    'dataset-invalid',
    `${place} has changed since it was submitted: got ${got}, wanted ${
      wanted === null ? 'a file that cannot be read' : `the SHA-256 ${wanted}`
    }.`,
    {
      hint: 'Submit the images again: shards without a change keep their results.',
      details: { path: place, got, wanted },
    },
  );
}

/** Bytes of a file with the planned hash. */
async function readPlanned(image: PlannedImage, file: string): Promise<Uint8Array> {
  const bytes = await readFile(file).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    // Other errors are those of the storage, and may pass.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') throw changed(image, 'no file');
    throw error;
  });
  const got = sha256(bytes);
  if (got !== image.sha256) throw changed(image, `the SHA-256 ${got}`);
  return bytes;
}

const isUnreadable = (error: unknown): error is DskdError =>
  isDskdError(error, 'image-unreadable') || isDskdError(error, 'file-not-found');

type Line = Readonly<Record<string, unknown>>;

const errorLine = (place: string, code: string, message: string): Line => ({
  path: place,
  error: { code, message },
});

async function scoreUrl(image: PlannedImage, { scorer, signal }: ScoreShardOptions): Promise<Line> {
  const fetched = await fetchImage(image.path, signal);
  if ('refused' in fetched)
    return errorLine(image.path, 'download-failed', `${image.path}: ${fetched.refused}.`);
  const { bytes } = fetched;
  if (image.sha256 !== null && sha256(bytes) !== image.sha256)
    throw changed(image, `the SHA-256 ${sha256(bytes)}`);
  try {
    return { path: image.path, ...plainPrediction(await scorer.predict(bytes, signal)) };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return errorLine(image.path, error.code, error.message);
  }
}

async function scoreFile(image: PlannedImage, { scorer, root, signal }: ScoreShardOptions): Promise<Line> {
  const file = path.resolve(root, image.path);
  if (image.sha256 !== null) {
    const bytes = await readPlanned(image, file);
    try {
      return { path: image.path, ...plainPrediction(await scorer.predict(bytes, signal)) };
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  } else {
    const got = await sha256OfFile(file);
    if (got !== null) throw changed(image, `the SHA-256 ${got}`);
  }
  // Read from its path, it has the message that names it, as it is printed where one process scores all.
  try {
    await scorer.predict(file, signal);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    const { code, message } = error;
    return errorLine(
      image.path,
      code,
      message.startsWith(file) ? image.path + message.slice(file.length) : message,
    );
  }
  throw changed(image, 'an image');
}

/**
 * Scores the images of a shard.
 * @returns a line of JSON for each, in their order, as `dskd predict` prints them. Images that cannot be read have a line with
 * their error.
 * @throws {DskdError} `dataset-invalid` for an image that has changed since it was planned, `download-failed`, `aborted`, and
 * what the scorer throws for another reason than the image.
 */
export async function scoreShard({ images }: Shard, options: ScoreShardOptions): Promise<string> {
  const score = (image: PlannedImage): Promise<Line> =>
    isUrl(image.path) ? scoreUrl(image, options) : scoreFile(image, options);
  let text = '';
  for await (const line of prefetch(images, options.scorer.atATime, score, options.signal)) {
    text += `${JSON.stringify(line)}\n`;
  }
  return text;
}
