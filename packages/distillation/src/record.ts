import { DskdError } from '@dskd/base';
import {
  checkMetadata,
  parseMetadata,
  readSafetensors,
  storedAs,
  writeSafetensors,
  type StateDict,
} from '@dskd/weights';
import { z } from 'zod';

/** This package's version, as in package.json (tested). */
export const VERSION = '0.1.0';

const errors = z.object({
  /** Mean squared error of the standardized features by level of the backbone: 1 is to predict their mean. */
  levels: z.record(z.string(), z.number()),
  /** Over the levels. */
  mean: z.number(),
});

/** Held-out error and training loss after some steps. */
export const curvePoint = z.object({ step: z.int(), loss: z.number(), heldOut: errors });

/** What the distillation is, besides its curve: two with the same settings end in the same weights. */
export const settingsSchema = z.object({
  backbone: z.string(),
  /** SHA-256 of the weight file that it started from; null (as in files before there was such a thing) if random. */
  startedFrom: z.string().nullable().default(null),
  teacher: z.object({ name: z.string(), sha256: z.string(), levels: z.array(z.string()) }),
  seed: z.int(),
  steps: z.int(),
  batchSize: z.int(),
  /** Of the images, in pixels. */
  size: z.int(),
  learningRate: z.number(),
  evaluateEvery: z.int(),
  statisticsBatches: z.int(),
  images: z.object({
    proceduralFraction: z.number(),
    /** Trained on, and those only the held-out crops are cut from. */
    photos: z.int(),
    heldOutPhotos: z.int(),
    /** SHA-256 over the sorted SHA-256 of all photos' files; null without photos. */
    photosSha256: z.string().nullable(),
    /** Held-out images that the error is measured on. */
    heldOut: z.int(),
  }),
});

/** The metadata of a weight file that a distillation made. */
export const recordSchema = settingsSchema.extend({
  format: z.literal(2),
  /** Images trained on. */
  drawn: z.int(),
  curve: z.array(curvePoint),
  /** Of the weights in the file before they were rounded, with the statistics that go with them. */
  heldOut: errors,
  versions: z.record(z.string(), z.string()),
});

export type FeatureErrors = z.output<typeof errors>;
export type CurvePoint = z.output<typeof curvePoint>;
export type DistillationSettings = z.output<typeof settingsSchema>;
export type DistillationRecord = z.output<typeof recordSchema>;

/** Format 1 called images pictures, and the embedded teacher `dskd_tiny`. */
export function recordFromFormat1({
  pictures,
  backbone,
  ...rest
}: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return {
    ...rest,
    format: 2,
    images: pictures,
    backbone: backbone === 'dskd_tiny' ? 'teacher-tiny' : backbone,
  };
}

/** Where the record stands in the file's metadata. */
export const RECORD_KEY = 'dskd-distillation';

export function recordOf(
  settings: DistillationSettings,
  curve: readonly CurvePoint[],
  heldOut: FeatureErrors,
): DistillationRecord {
  return {
    format: 2,
    ...settings,
    drawn: settings.steps * settings.batchSize,
    curve: [...curve],
    heldOut,
    versions: { '@dskd/distillation': VERSION },
  };
}

/**
 * A distilled backbone as the bytes of a safetensors file under torch's names: filters in float16, vectors (batch
 * norms and their running statistics) in float32, the record in the metadata.
 */
export function writeDistilledWeights(weights: StateDict, record: DistillationRecord): Uint8Array {
  const stored: StateDict = new Map();
  for (const [name, entry] of weights) stored.set(name, storedAs('float16', name, entry));
  return writeSafetensors(stored, { format: 'pt', [RECORD_KEY]: JSON.stringify(record) });
}

/**
 * Where the weights in a file that {@link distillTeacher} made came from.
 * @throws {DskdError} `weights-invalid`, `artifact-invalid`
 */
export function readDistillationRecord(bytes: Uint8Array): DistillationRecord {
  const text = readSafetensors(bytes).metadata[RECORD_KEY];
  if (text === undefined) {
    throw new DskdError('artifact-invalid', 'The file has no record of a distillation in its metadata.', {
      hint: 'Pass the bytes that distillTeacher returned.',
      details: { wanted: 'distilled-teacher' },
    });
  }
  const parsed = parseMetadata(text, 'weights');
  return checkMetadata(recordSchema, parsed.format === 1 ? recordFromFormat1(parsed) : parsed, 'weights');
}
