import { z } from '@hono/zod-openapi';
import { DskdError } from '@dskd/base';

/** A number in a query. */
const queryNumber = (description: string, example: number) =>
  z
    .string()
    .trim()
    .min(1)
    .transform(Number)
    .pipe(z.number())
    .openapi({ type: 'number', description, example });

export const predictQuerySchema = z.object({
  model: z
    .string()
    .optional()
    .openapi({ description: 'Name of the model. Default: the only one.', example: 'tray' }),
  version: z
    .string()
    .optional()
    .openapi({ description: 'Version that must answer. Default: the one that is loaded.' }),
  threshold: queryNumber('A higher score is anomalous. Default: that of the model.', 2.5).optional(),
  minArea: queryNumber("Smallest region, in pixels of the network's input. Default 1.", 4)
    .pipe(z.number().min(0))
    .optional(),
  heatMap: z
    .enum(['true', 'false'])
    .optional()
    .openapi({ description: 'Whether each prediction has its heat map over the image, as PNG in base64.' }),
});

const base64Schema = z.base64().min(1).openapi({ description: 'The bytes of an image file in base64.' });
const urlSchema = z.string().min(1).max(4096).openapi({
  description: 'URL of an image on a host that the server allows.',
  example: 'https://images.example.com/7.png',
});

export const jsonImagesSchema = z
  .object({
    images: z
      .array(
        z.union([
          z.strictObject({ base64: base64Schema, name: z.string().max(1000).optional() }),
          z.strictObject({ url: urlSchema, name: z.string().max(1000).optional() }),
        ]),
      )
      .min(1),
  })
  .openapi('Images');

const boxSchema = z.object({ left: z.number(), top: z.number(), width: z.number(), height: z.number() });

export const predictionSchema = z
  .object({
    name: z.string().optional().openapi({ description: 'The name that the request gave.' }),
    verdict: z.enum(['normal', 'anomalous']),
    score: z.number(),
    threshold: z.number(),
    pValue: z.number().openapi({ description: 'Share of the calibration images with at least this score.' }),
    branches: z.record(
      z.string(),
      z.object({ score: z.number(), pValue: z.number(), anomalous: z.boolean() }),
    ),
    regions: z
      .array(
        z.object({
          box: boxSchema,
          area: z.number(),
          score: z.number(),
          peak: z.object({ x: z.number(), y: z.number() }),
        }),
      )
      .openapi({ description: 'In pixels of the image, the worst region first.' }),
    heatMap: z.string().optional().openapi({ description: 'PNG in base64, of the size of the image.' }),
  })
  .openapi('Prediction');

export const predictionsSchema = z
  .object({
    model: z.string(),
    version: z.string().openapi({ description: 'First 12 digits of the SHA-256 of the model file.' }),
    predictions: z.array(predictionSchema),
  })
  .openapi('Predictions');

export const modelSchema = z
  .object({
    name: z.string(),
    state: z.enum(['ready', 'unavailable']),
    version: z.string().optional(),
    loadedAt: z.string().optional(),
    method: z.string().optional(),
    engine: z.enum(['tfjs', 'onnx']).optional(),
    inputSize: z
      .tuple([z.number(), z.number()])
      .optional()
      .openapi({ description: 'Height and width in pixels.' }),
    threshold: z.number().optional(),
    queue: z.object({ workers: z.number(), limit: z.number(), taken: z.number() }),
    failure: z.string().optional().openapi({ description: 'Why the last load failed.' }),
  })
  .openapi('Model');

export const modelsSchema = z.object({ models: z.array(modelSchema) }).openapi('Models');

export const thresholdSchema = z
  .strictObject({
    threshold: z
      .number()
      .nullable()
      .openapi({ description: 'Holds until another version is loaded; null for the one of the model file.' }),
  })
  .openapi('Threshold');

export const lessonSchema = z
  .object({
    model: z.string(),
    version: z.string().openapi({ description: 'The version that has the lesson.' }),
    images: z.number(),
    alarms: z.object({ before: z.number(), after: z.number() }),
    threshold: z.object({ before: z.number(), after: z.number() }),
  })
  .openapi('Lesson');

export const errorSchema = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      hint: z.string().optional(),
      details: z.record(z.string(), z.unknown()).optional(),
    }),
  })
  .openapi('Error');

/** @throws {DskdError} `invalid-argument`, with all issues. */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  where: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues
    .slice(0, 10)
    .map(({ path, message }) => ({ path: path.map(String).join('.'), message }));
  const [first] = issues;
  throw new DskdError(
    'invalid-argument',
    `${where}: ${first!.path === '' ? '' : `${first!.path}: `}${first!.message}`,
    {
      hint: 'GET /openapi.json describes what is accepted; /docs shows it.',
      details: { issues },
    },
  );
}
