import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { z } from 'zod';
import { sha256 } from './storage.js';

const HASH = z.string().regex(/^[0-9a-f]{64}$/);

/** What determines the lines of an image beside the image. */
const scoringSchema = z.strictObject({
  engine: z.enum(['tfjs', 'onnx']),
  /** Of TensorFlow.js. */
  backend: z.string(),
  /** SHA-256 of the model file. */
  model: HASH,
  /** SHA-256 of the weight file of its teacher, if it does not contain it. */
  teacher: HASH.nullable(),
  /** SHA-256 of the file of a mask of ignored pixels. */
  ignoreMask: HASH.nullable(),
  /** Null: the model's own. */
  threshold: z.number().nullable(),
  minArea: z.number(),
  /** Of the packages that affect the result. */
  versions: z.record(z.string(), z.string()),
});
export type Scoring = z.output<typeof scoringSchema>;

const planSchema = z.strictObject({
  format: z.literal(1),
  scoring: scoringSchema,
  /** Where relative paths of images begin. */
  root: z.string(),
  images: z.int(),
  /** Name of the result of each shard. */
  shards: z.array(HASH),
});
export type Plan = z.output<typeof planSchema>;

const shardSchema = z.strictObject({
  images: z.array(
    z.strictObject({
      /** As it is printed: absolute, or from `root` of the plan; or a URL. */
      path: z.string(),
      /**
       * Of its bytes. Null: of a file, that it could not be read when it was submitted; of a URL, that its bytes are not
       * checked.
       */
      sha256: HASH.nullable(),
    }),
  ),
});
export type Shard = z.output<typeof shardSchema>;
export type PlannedImage = Shard['images'][number];

/** Increased when the same facts would give other lines. */
const RESULT_FORMAT = 1;

/** The name of the result of a shard: the hash of model, options and images. */
export function resultName(scoring: Scoring, images: readonly PlannedImage[]): string {
  const { engine, backend, model, teacher, ignoreMask, threshold, minArea, versions } = scoring;
  const sorted = Object.entries(versions).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(
    JSON.stringify([
      RESULT_FORMAT,
      [engine, backend, model, teacher, ignoreMask, threshold, minArea, sorted],
      images.map((image) => [image.path, image.sha256]),
    ]),
  );
}

/** The same model, options, images and shards are the same plan. */
export const planId = ({ root, shards }: Plan): string => sha256(JSON.stringify([root, shards])).slice(0, 16);

export const shardFile = (folder: string, index: number): string =>
  path.join(folder, 'shards', `${String(index).padStart(6, '0')}.json`);

async function readJson<T>(file: string, schema: z.ZodType<T>, what: string): Promise<T> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read the ${what} ${file}.`, {
      hint: 'Give the folder that submitting printed; this machine must see it at the same path.',
      details: { path: file },
      cause,
    });
  });
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new DskdError('artifact-invalid', `${file} is not a ${what} of this version: ${reason}`, {
      hint: 'Submit again: it writes the file anew.',
      details: { path: file },
      cause,
    });
  }
}

/** @throws {DskdError} `file-not-found`, `artifact-invalid` */
export const readPlan = (folder: string): Promise<Plan> =>
  readJson(path.join(folder, 'plan.json'), planSchema, 'plan');

/**
 * Reads a shard, and checks that it is that of the plan.
 * @throws {DskdError} `invalid-argument` for a number that the plan does not have, `file-not-found`, `artifact-invalid`
 */
export async function readShard(folder: string, plan: Plan, index: number): Promise<Shard> {
  const wanted = plan.shards[index];
  if (wanted === undefined) {
    throw new DskdError(
      'invalid-argument',
      `Got the shard ${index}; the plan ${folder} has the shards 0 to ${plan.shards.length - 1}.`,
    );
  }
  const file = shardFile(folder, index);
  const shard = await readJson(file, shardSchema, 'shard');
  const got = resultName(plan.scoring, shard.images);
  if (got === wanted) return shard;
  throw new DskdError(
    'artifact-invalid',
    `${file} has other images than the plan: its result would be ${got}, wanted ${wanted}.`,
    { hint: 'Submit again: it writes the file anew.', details: { path: file, got, wanted } },
  );
}
