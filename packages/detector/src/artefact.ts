import { DskdError } from '@dskd/base';
import { readSafetensors, writeSafetensors, type StateDict } from '@dskd/weights';
import { z } from 'zod';

/** The artefact format this version writes. */
export const FORMAT_VERSION = 1;

/** The safetensors metadata entry that holds the description. */
const METADATA_KEY = 'dskd';

const size = z.tuple([z.int().positive(), z.int().positive()]);
const triple = z.tuple([z.number(), z.number(), z.number()]);
const json = z.record(z.string(), z.json());

const levelSchema = z.object({ name: z.string(), channels: z.int().positive(), stride: z.int().positive() });

const branchSchema = z.object({
  name: z.string().min(1),
  /** What `createStudent` of @dskd/models is given. */
  student: json,
  objective: z.object({ name: z.string(), options: json }),
  /** Mean of the branch's raw map over all pixels of the normal pictures (Eq. 8). */
  mean: z.number(),
  /** Population standard deviation of the same. */
  standardDeviation: z.number().positive(),
  /** The branch's own image scores of the normal pictures, in the order of calibration. */
  calibrationScores: z.array(z.number()),
});

const descriptionSchema = z.object({
  format: z.literal(FORMAT_VERSION),
  teacher: z.object({
    name: z.string(),
    /** SHA-256 of the weight file the teacher came from, hexadecimal. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    embedded: z.boolean(),
    levels: z.array(levelSchema).min(1),
    inputTransform: z.object({
      channelOrder: z.enum(['rgb', 'bgr']),
      scale: z.number(),
      mean: triple,
      standardDeviation: triple,
    }),
  }),
  /** `[height, width]` in pixels. */
  inputSize: size,
  /** How a picture becomes `inputSize`: squeezed, Pillow's antialiased bilinear filter in two 8-bit passes. */
  resize: z.literal('squeeze-bilinear-antialiased'),
  branches: z.array(branchSchema).min(1),
  fusion: z.object({ levels: z.literal('sum'), alignCorners: z.boolean(), sigma: z.number().nonnegative() }),
  calibration: z.object({
    /** Which normal pictures gave means, deviations and scores. */
    pictures: z.enum(['validation', 'held-out', 'training']),
    /** Fused image scores of those pictures. */
    scores: z.array(z.number()).min(1),
  }),
  threshold: z.object({
    /** Anomalous is a score above it. */
    value: z.number(),
    /** The rate of false alarms it was chosen for, or null where a person set the value. */
    falseAlarmRate: z.number().nullable(),
    /** Whether there were enough normal pictures to promise that rate. */
    guaranteed: z.boolean(),
  }),
  training: z.object({
    seed: z.int(),
    epochs: z.int(),
    batchSize: z.int(),
    steps: z.int(),
    pictures: z.int(),
    dataFingerprint: z.string(),
    learningRates: z.record(z.string(), z.number()),
    reestimatedBatchNorm: z.boolean(),
    finalLosses: z.record(z.string(), z.number()),
    backend: z.string(),
    versions: z.record(z.string(), z.string()),
  }),
});

/** Everything about a detector but its tensors. JSON, no wall clock, no host name: the same run gives the same text. */
export type DetectorDescription = z.infer<typeof descriptionSchema>;
export type BranchDescription = z.infer<typeof branchSchema>;

export interface Artefact {
  readonly description: DetectorDescription;
  /** `teacher.*` (where embedded) and `students.<branch>.*`, torch names and layouts. */
  readonly tensors: StateDict;
}

/** The artefact as the bytes of one `.safetensors` file. */
export function writeArtefact({ description, tensors }: Artefact): Uint8Array {
  return writeSafetensors(tensors, { [METADATA_KEY]: JSON.stringify(description) });
}

function parseDescription(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DskdError('artefact-invalid', "The file's dskd description is not JSON.", { cause });
  }
}

/**
 * Reads what {@link writeArtefact} wrote.
 * @throws {DskdError} `weights-invalid` (not safetensors), `artefact-invalid` (no or a wrong description),
 * `artefact-version` (a format this version does not know).
 */
export function readArtefact(bytes: Uint8Array): Artefact {
  const { tensors, metadata } = readSafetensors(bytes);
  const text = metadata[METADATA_KEY];
  if (text === undefined) {
    throw new DskdError('artefact-invalid', 'The file is safetensors, but not a dskd detector.', {
      hint: 'Give a file that `dskd train` wrote; weights of a teacher go to --weights.',
    });
  }
  const parsed = parseDescription(text);
  const format = (parsed as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format !== FORMAT_VERSION) {
    throw new DskdError(
      'artefact-version',
      `The detector has format ${format}; this version of dskd reads format ${FORMAT_VERSION}.`,
      { hint: 'Use the version of dskd that wrote it, or a newer one.', details: { format } },
    );
  }
  const checked = descriptionSchema.safeParse(parsed);
  if (!checked.success) {
    throw new DskdError(
      'artefact-invalid',
      `The detector's description does not fit its schema:\n${z.prettifyError(checked.error)}`,
      {
        details: {
          issues: checked.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
        },
      },
    );
  }
  return { description: checked.data, tensors };
}

/** The entries of `tensors` whose name starts with `prefix.`, under the rest of their names. */
export function tensorsUnder(tensors: StateDict, prefix: string): StateDict {
  const start = `${prefix}.`;
  return new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(start))
      .map(([name, entry]) => [name.slice(start.length), entry]),
  );
}
