import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DskdError, prefetch } from '@dskd/base';
import { assertWritable, writeFileAtomically } from '@dskd/data/node';
import { isUrl, urlOf } from '../shard/fetch-image.js';
import { planId, resultName, shardFile, type Plan, type PlannedImage } from './plan.js';
import { sha256OfFile, Storage } from './storage.js';
import { versionsHere } from './versions.js';

/** An image: a path, or an http(s) URL. With a hash its bytes are checked, and a file is not read when it is planned. */
export type ImageReference = string | { readonly path: string; readonly sha256: string };

export interface PlanOptions {
  /** Folder that all machines see at this path. Copies of the model and the results are kept in it. */
  readonly storage: string;
  /** Path or bytes of a detector (`.safetensors`, or `.onnx` with its values in the same file). */
  readonly model: string | Uint8Array;
  /** In the order of the collected lines. Workers must see paths as this machine does. */
  readonly images: readonly ImageReference[];
  /** Images of a shard. Default 64. */
  readonly shardSize?: number;
  /** What computes. It is part of the result, since engines round differently: there is no `auto`. */
  readonly engine: 'tfjs' | 'onnx';
  /** Backend of TensorFlow.js. Default `wasm`. */
  readonly backend?: string;
  /** Images with a higher score are anomalous. Default: the model's own. */
  readonly threshold?: number;
  /** Smallest region, in pixels of the network's input. Default 1. */
  readonly minArea?: number;
  /** Path of a mask image: pixels where it is not black are ignored. */
  readonly ignoreMask?: string;
  /** Weight file of the teacher, for a model that does not contain it. */
  readonly teacher?: Uint8Array;
  /** Where relative paths of images begin. Default: the working folder. */
  readonly root?: string;
  /** Called after each image whose bytes were hashed. */
  readonly onImage?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** A plan in the storage. */
export interface PlannedWork {
  /** Its folder, by which workers and `collect` find it. */
  readonly folder: string;
  readonly images: number;
  readonly shards: number;
}

const DEFAULT_SHARD_SIZE = 64;
/** Files that are hashed at a time. */
const AT_A_TIME = 8;
const SHA256 = /^[0-9a-f]{64}$/;

/** @throws {DskdError} `invalid-argument` for a URL or a hash that is none */
function checked(image: ImageReference): ImageReference {
  const { path: place, sha256 } = typeof image === 'string' ? { path: image, sha256: undefined } : image;
  if (isUrl(place)) urlOf(place);
  if (sha256 === undefined || SHA256.test(sha256)) return image;
  throw new DskdError(
    'invalid-argument',
    `Got ${JSON.stringify(sha256)} as the SHA-256 of ${place}; wanted 64 hexadecimal digits in lower case.`,
  );
}

async function planned(image: ImageReference, root: string): Promise<PlannedImage> {
  if (typeof image !== 'string') return { path: image.path, sha256: image.sha256 };
  if (isUrl(image)) return { path: image, sha256: null };
  return { path: image, sha256: await sha256OfFile(path.resolve(root, image)) };
}

function unreadable(what: string, file: string): (cause: unknown) => never {
  return (cause) => {
    throw new DskdError('file-not-found', `Cannot read the ${what} ${file}.`, {
      hint: 'Check the path, and who may read it.',
      details: { path: file },
      cause,
    });
  };
}

/**
 * Divides images into shards and writes the plan of them into the storage. Planning the same again changes nothing; after a change of
 * some images, only shards with one of them have new results.
 * @throws {DskdError} `invalid-argument`, `file-not-found` (model or mask), `file-not-writable`, `aborted`. An image that
 * cannot be read is no error: it has its line in the result.
 */
export async function makePlan(options: PlanOptions): Promise<PlannedWork> {
  const { shardSize = DEFAULT_SHARD_SIZE, signal, onImage, model, ignoreMask, teacher } = options;
  const { root = process.cwd(), engine, backend = 'wasm', threshold = null, minArea = 1 } = options;
  if (!Number.isInteger(shardSize) || shardSize < 1) {
    throw new DskdError('invalid-argument', `Got shardSize ${shardSize}, wanted a positive integer.`);
  }
  const images = options.images.map(checked);
  if (images.length === 0) throw new DskdError('invalid-argument', 'No images are given.');
  const storage = new Storage(options.storage);
  // Before everything is hashed.
  await assertWritable(path.join(storage.folder, 'plan.json'));
  const modelBytes =
    typeof model === 'string' ? await readFile(model).catch(unreadable('model', model)) : model;
  const scoring: Plan['scoring'] = {
    engine,
    backend,
    model: await storage.keep(modelBytes),
    teacher: teacher ? await storage.keep(teacher) : null,
    ignoreMask:
      ignoreMask === undefined
        ? null
        : await storage.keep(await readFile(ignoreMask).catch(unreadable('mask', ignoreMask))),
    threshold,
    minArea,
    versions: versionsHere(engine),
  };
  const shards: PlannedImage[][] = [];
  let done = 0;
  for await (const image of prefetch(images, AT_A_TIME, (each) => planned(each, root), signal)) {
    if (done % shardSize === 0) shards.push([]);
    shards.at(-1)!.push(image);
    done++;
    onImage?.(done, images.length);
  }
  const plan: Plan = {
    format: 1,
    scoring,
    root: path.resolve(root),
    images: done,
    shards: shards.map((shard) => resultName(scoring, shard)),
  };
  const folder = storage.planFolder(planId(plan));
  const write = ([index, shard]: readonly [number, readonly PlannedImage[]]): Promise<void> =>
    writeFileAtomically(shardFile(folder, index), `${JSON.stringify({ images: shard })}\n`);
  for await (const _ of prefetch(shards.entries(), AT_A_TIME, write, signal));
  // Last: who finds it finds all.
  await writeFileAtomically(path.join(folder, 'plan.json'), `${JSON.stringify(plan)}\n`);
  return { folder, images: done, shards: shards.length };
}
