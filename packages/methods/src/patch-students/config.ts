import type { ImageStudentOptions } from '@dskd/models';
import { tensorFiles } from '@dskd/weights';
import { z } from 'zod';

// Limits far above anything that can be run: a file of unknown origin must not make us allocate for hours.
const side = z.int().positive().max(16_384);
const channels = z.int().positive().max(65_536);
const triple = z.tuple([z.number(), z.number(), z.number()]);
const positive = z.number().positive();
const common = { inputSize: z.tuple([side, side]), channels, seed: z.int() };

const efficientad = z.strictObject({
  kind: z.literal('efficientad'),
  ...common,
  network: z.enum(['small', 'medium']),
  widths: z.tuple([channels, channels]),
  padded: z.boolean(),
  autoencoder: z.tuple([channels, channels]),
  dropout: z.number().min(0).lt(1),
  penaltyImages: z.int().nonnegative(),
});

const patch = z.strictObject({
  kind: z.literal('patch'),
  ...common,
  side: z.literal([17, 33]),
  widths: z.tuple([channels, channels, channels]),
  slope: z.number().min(0).max(1),
});

/** What an artifact keeps of networks that predict a teacher's embedding, besides tensors. */
export const networksConfig = z.strictObject({
  /** Of the image that the networks read. */
  input: z.strictObject({
    channelOrder: z.literal('rgb'),
    scale: z.number(),
    mean: triple,
    standardDeviation: z.tuple([positive, positive, positive]),
  }),
  /** By name, in order: what `createImageStudent` of @dskd/models is given. */
  students: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z0-9-]+$/),
        student: z.discriminatedUnion('kind', [efficientad, patch]),
      }),
    )
    .min(1)
    .max(64)
    .refine(
      (students) => new Set(students.map(({ name }) => name)).size === students.length,
      'names of students must differ',
    ),
});

export type TargetStudentOptions = Extract<ImageStudentOptions, { kind: 'efficientad' | 'patch' }>;
export type NetworksConfig = z.output<typeof networksConfig> & {
  readonly students: readonly { readonly name: string; readonly student: TargetStudentOptions }[];
};

/** Checks a config; its keys come in the order of the schema, so that the same networks give the same file. */
export function checkNetworks(config: unknown): NetworksConfig {
  return tensorFiles.checkMetadata(networksConfig, JSON.parse(JSON.stringify(config)), 'detector');
}
