import { BACKBONES, type BackboneName, type ImageStudentOptions } from '@dskd/models';
import { tensorFiles } from '@dskd/weights';
import { z } from 'zod';

// Limits far above anything that can be run: a file of unknown origin must not make us allocate for hours.
const side = z.int().positive().max(16_384);
const size = z.tuple([side, side]);
const channels = z.int().positive().max(65_536);
const seed = z.int();
const triple = z.tuple([z.number(), z.number(), z.number()]);
const positive = z.number().positive();

const backboneStudent = z.strictObject({
  kind: z.literal('backbone'),
  backbone: z.enum(BACKBONES as [BackboneName, ...BackboneName[]]),
  width: z.number().positive().max(16),
  inputSize: size,
  heads: z.record(z.string(), channels).nullable(),
  levels: z.array(z.string()).min(1).max(16),
  seed,
});

const autoencoder = z.strictObject({
  kind: z.literal('autoencoder'),
  inputSize: size,
  widths: z.array(channels).min(1).max(12),
  latent: channels,
  variational: z.boolean(),
  slope: z.number().min(0).max(1),
  /** A trained network has none. */
  skips: z.null(),
  seed,
});

const ssimAutoencoder = z.strictObject({
  kind: z.literal('ssim-autoencoder'),
  inputSize: size,
  channels: z.union([z.literal(1), z.literal(3)]),
  width: channels,
  latent: channels,
  seed,
});

const cloner = z.strictObject({
  kind: z.literal('cloner'),
  inputSize: size,
  width: channels,
  levels: z
    .array(z.strictObject({ stride: side, channels }))
    .min(1)
    .max(16),
  seed,
});

const memoryAutoencoder = z.strictObject({
  kind: z.literal('memory-autoencoder'),
  inputSize: size,
  widths: z.array(channels).min(2).max(12),
  items: channels,
  seed,
});

const fanogan = z.strictObject({
  kind: z.literal('fanogan'),
  inputSize: size,
  width: channels,
  latent: channels,
  features: z.boolean(),
  trained: z.literal(true),
  seed,
});

const gcad = z.strictObject({
  kind: z.literal('gcad'),
  inputSize: size,
  target: z.tuple([side, side, channels]),
  unetWidths: z.array(channels).min(3).max(12),
  widths: z.array(channels).min(1).max(12),
  latent: channels,
  global: channels,
  bridge: channels,
  /** A trained network has none. */
  skips: z.null(),
  globalFrom: z.int().nonnegative(),
  seed,
});

const configSchema = z.strictObject({
  branch: z.enum(['local', 'global', 'both']),
  /** What `createImageStudent` of @dskd/models is given. */
  student: z.discriminatedUnion('kind', [
    backboneStudent,
    autoencoder,
    ssimAutoencoder,
    cloner,
    memoryAutoencoder,
    gcad,
    fanogan,
  ]),
  objective: z.strictObject({ name: z.string(), options: z.record(z.string(), z.json()) }),
  levels: z.strictObject({ fusion: z.enum(['sum', 'product']), alignCorners: z.boolean() }),
  imageScore: z.enum(['map', 'loss']).default('map'),
  /** Transform of the image that the network reads. */
  input: z.strictObject({
    channelOrder: z.literal('rgb'),
    scale: z.number(),
    mean: triple,
    standardDeviation: z.tuple([positive, positive, positive]),
  }),
});

/** What an artifact keeps of a method of image networks besides tensors. */
export type ImageModelConfig = z.output<typeof configSchema> & { readonly student: ImageStudentOptions };

/** Checks a config; its keys come in the order of the schema, so that the same model gives the same file. */
export function checkConfig(config: unknown): ImageModelConfig {
  return tensorFiles.checkMetadata(configSchema, config, 'detector');
}
