import { DskdError } from '@dskd/base';
import { readCheckpoint, type StudentState, writeCheckpoint } from '@dskd/training';
import { readSafetensors, tensorFiles, writeSafetensors, type StateDict } from '@dskd/weights';
import { z } from 'zod';

/** This package's version, as in package.json (tested). */
export const VERSION = '0.0.0';

const errors = z.object({
  /** Mean squared error of the standardized features by level of the backbone; predicting their mean gives 1. */
  levels: z.record(z.string(), z.number()),
  /** Mean over the levels. */
  mean: z.number(),
});

/** Held-out error and training loss after some steps. */
const curvePoint = z.object({ step: z.int(), loss: z.number(), heldOut: errors });

/** Settings of a distillation: two runs with the same settings give the same weights. */
const settingsSchema = z.object({
  backbone: z.string(),
  /** SHA-256 of the weight file that it started from; null (also in older files, without this field) if random. */
  startedFrom: z.string().nullable().default(null),
  teacher: z.object({ name: z.string(), sha256: z.string(), levels: z.array(z.string()) }),
  seed: z.int(),
  steps: z.int(),
  batchSize: z.int(),
  /** Width and height of the images in pixels. */
  size: z.int(),
  learningRate: z.number(),
  evaluateEvery: z.int(),
  statisticsBatches: z.int(),
  images: z.object({
    proceduralFraction: z.number(),
    /** Numbers of photos for training and of those for held-out crops. */
    photos: z.int(),
    heldOutPhotos: z.int(),
    /** SHA-256 over the sorted SHA-256 values of all photo files; null without photos. */
    photosSha256: z.string().nullable(),
    /** Number of held-out images. */
    heldOut: z.int(),
  }),
});

/** Metadata of a distilled weight file. */
const recordSchema = settingsSchema.extend({
  format: z.literal(2),
  /** Number of training images. */
  drawn: z.int(),
  curve: z.array(curvePoint),
  /** Errors of the final weights before rounding to float16, with the final batch norm statistics. */
  heldOut: errors,
  versions: z.record(z.string(), z.string()),
});

export type FeatureErrors = z.output<typeof errors>;
export type CurvePoint = z.output<typeof curvePoint>;
export type DistillationSettings = z.output<typeof settingsSchema>;
export type DistillationRecord = z.output<typeof recordSchema>;

/** Format 1 called images pictures, and the embedded teacher `dskd_tiny`. */
function recordFromFormat1({
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

/** Key of the record in the file's metadata. */
const RECORD_KEY = 'dskd-distillation';

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
 * Returns a distilled backbone as the bytes of a safetensors file with torch's tensor names: filters in float16, vectors (batch
 * norms and their running statistics) in float32, the record in the metadata.
 */
export function writeDistilledWeights(weights: StateDict, record: DistillationRecord): Uint8Array {
  const stored: StateDict = new Map();
  for (const [name, entry] of weights) stored.set(name, tensorFiles.storedAs('float16', name, entry));
  return writeSafetensors(stored, { format: 'pt', [RECORD_KEY]: JSON.stringify(record) });
}

/**
 * Reads the record of a weight file that `distillTeacher` made.
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
  return tensorFiles.checkMetadata(recordSchema, text, 'weights', (parsed) =>
    parsed.format === 1 ? recordFromFormat1(parsed) : parsed,
  );
}

const runSchema = z.object({
  kind: z.literal('distillation'),
  settings: z.record(z.string(), z.json()),
  curve: z.array(curvePoint),
});

/** State of a distillation between two steps. */
interface DistillationProgress {
  /** Steps done. */
  readonly step: number;
  readonly curve: readonly CurvePoint[];
  /** Sum of the losses since the last point of the curve. */
  readonly lossSum: number;
  readonly student: StudentState;
}

/** Returns the bytes of a training checkpoint of a distillation. */
export function writeProgress(settings: DistillationSettings, progress: DistillationProgress): Uint8Array {
  const { step, curve, lossSum, student } = progress;
  const { seed, batchSize, steps } = settings;
  return writeCheckpoint({
    state: {
      seed,
      batchSize,
      images: steps * batchSize,
      step,
      history: [],
      lossSums: { [student.name]: lossSum },
      students: [student],
    },
    run: { kind: 'distillation', settings, curve: [...curve] },
  });
}

/**
 * Reads what {@link writeProgress} wrote for a run with the same settings.
 * @throws {DskdError} as `readCheckpoint`; `artifact-invalid` for the checkpoint of a detector;
 * `invalid-argument` naming the settings that differ.
 */
export function readProgress(bytes: Uint8Array, settings: DistillationSettings): DistillationProgress {
  const { run, state } = readCheckpoint(bytes, { run: { ...settings }, runKey: 'settings' });
  const { curve } = tensorFiles.checkMetadata(runSchema, run, 'distillation checkpoint');
  const { step, lossSums, students } = state;
  const [student] = students;
  if (!student || students.length !== 1) {
    throw new DskdError('artifact-invalid', `The checkpoint has ${students.length} networks, wanted one.`);
  }
  return { step, curve, lossSum: lossSums[student.name] ?? 0, student };
}
