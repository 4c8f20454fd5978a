import { z, type OpenAPIHono, type RouteConfig } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { DskdError } from '@dskd/base';
import type { Prediction } from '@dskd/detector';
import { plainPrediction } from '@dskd/engine';
import type { ServedModel } from '../models/served-model.js';
import { assertAllowed } from './access.js';
import type { AppEnvironment } from './environment.js';
import { imagesOf, parseJson, type NamedImage } from './images.js';
import type { ScoredJob, ScoreJob } from './predictions.js';
import type { Services } from './services.js';
import {
  checked,
  errorSchema,
  jsonImagesSchema,
  lessonSchema,
  modelSchema,
  modelsSchema,
  predictionsSchema,
  predictQuerySchema,
  thresholdSchema,
  type predictionSchema,
} from './schemas.js';

type C = Context<AppEnvironment>;
type PredictQuery = z.output<typeof predictQuerySchema>;
type AnsweredPrediction = z.output<typeof predictionSchema>;

interface ImagesJob extends ScoreJob {
  readonly named: readonly NamedImage[];
}

const PNG = 'image/png';
const binary = z.string().openapi({ format: 'binary' });
const json = (schema: z.ZodType) => ({ content: { 'application/json': { schema } } });
const failure = (description: string) => ({ description, ...json(errorSchema) });
const nameParameter = z.object({ model: z.string().openapi({ description: 'Name of the model.' }) });

const imagesBody = {
  required: true,
  content: {
    'application/octet-stream': {
      schema: binary.openapi({
        description:
          'The bytes of an image file. Any other type, for example image/png, is read in the same way.',
      }),
    },
    'multipart/form-data': {
      schema: z.object({ image: z.array(binary).openapi({ description: 'Files, in fields of any name.' }) }),
    },
    'application/json': { schema: jsonImagesSchema },
  },
};

const commonFailures = {
  400: failure('What was sent is not accepted.'),
  401: failure('The token is missing or wrong.'),
  404: failure('There is no such model or version.'),
  408: failure('The body did not arrive in time.'),
  413: failure('The body is too large, or has too many images.'),
  422: failure('An image cannot be read.'),
  429: failure('All places are taken. The header Retry-After has seconds.'),
  503: failure('There was no result in time, or the server ends.'),
};

const ROUTES = {
  predict: {
    method: 'post',
    path: '/v1/predict',
    summary: 'Say whether and where images are anomalous',
    request: { query: predictQuerySchema, body: imagesBody },
    responses: {
      200: {
        description:
          'The predictions, in the order of the images. For the header Accept: image/png the heat map of the only image, with its result in headers.',
        content: { 'application/json': { schema: predictionsSchema }, [PNG]: { schema: binary } },
      },
      ...commonFailures,
    },
  },
  models: {
    method: 'get',
    path: '/v1/models',
    summary: 'List the models',
    responses: { 200: { description: 'All models.', ...json(modelsSchema) } },
  },
  model: {
    method: 'get',
    path: '/v1/models/{model}',
    summary: 'Show a model',
    request: { params: nameParameter },
    responses: { 200: { description: 'The model.', ...json(modelSchema) }, 404: commonFailures[404] },
  },
  threshold: {
    method: 'patch',
    path: '/v1/models/{model}',
    summary: 'Set the threshold of a model, without a new training',
    request: { params: nameParameter, body: { required: true, ...json(thresholdSchema) } },
    responses: { 200: { description: 'The model.', ...json(modelSchema) }, ...commonFailures },
  },
  feedback: {
    method: 'post',
    path: '/v1/models/{model}/feedback',
    summary: 'Teach a model that images which raised false alarms are good',
    request: { params: nameParameter, body: imagesBody },
    responses: { 200: { description: 'What the lesson changed.', ...json(lessonSchema) }, ...commonFailures },
  },
} satisfies Record<string, RouteConfig>;

function describeModel({ name, version, gate, failure: failed }: ServedModel): z.output<typeof modelSchema> {
  const { workers, queue: limit, taken } = gate;
  return {
    name,
    state: version ? 'ready' : 'unavailable',
    ...(version && {
      version: version.id,
      loadedAt: version.loadedAt.toISOString(),
      method: version.description.method,
      engine: version.facts.engine,
      inputSize: [...version.description.inputSize] as [number, number],
      threshold: version.currentThreshold,
    }),
    queue: { workers, limit, taken },
    ...(failed && { failure: failed.message }),
  };
}

function answeredPrediction(
  prediction: Prediction,
  { name }: NamedImage,
  heatMap: Uint8Array | undefined,
): AnsweredPrediction {
  const { regions, ...plain } = plainPrediction(prediction);
  return {
    ...(name !== undefined && { name }),
    ...plain,
    regions: [...regions],
    ...(heatMap && { heatMap: Buffer.from(heatMap).toString('base64') }),
  };
}

/** The friendly routes: predictions, models, thresholds and feedback. */
export function addV1Routes(app: OpenAPIHono<AppEnvironment>, services: Services): void {
  const { models, options, predictions, uploads, heatMaps } = services;
  for (const route of Object.values(ROUTES)) {
    app.openAPIRegistry.registerPath({ ...route, security: [{ token: [] }, {}] });
  }

  const answer = async (
    c: C,
    model: ServedModel,
    { job, version, predictions: scored }: ScoredJob<ImagesJob>,
    { heatMap }: PredictQuery,
  ): Promise<Response> => {
    const wantsPng = c.req.header('accept')?.split(',')[0]?.trim() === PNG;
    if (wantsPng && scored.length > 1) {
      throw new DskdError('invalid-argument', `Got ${scored.length} images for one PNG.`, {
        hint: 'Send one image, or accept JSON: with heatMap=true it has a PNG for each.',
      });
    }
    const draws = wantsPng || heatMap === 'true';
    const maps = draws
      ? await Promise.all(
          scored.map((each, index) => heatMaps.draw(job.named[index]!.bytes, each, version.description)),
        )
      : [];
    c.set('facts', {
      model: model.name,
      version: version.id,
      images: scored.length,
      anomalous: scored.filter(({ verdict }) => verdict === 'anomalous').length,
    });
    const [first] = scored;
    if (wantsPng) {
      return c.body(new Uint8Array(maps[0]!), 200, {
        'Content-Type': PNG,
        'Dskd-Model': model.name,
        'Dskd-Version': version.id,
        'Dskd-Score': String(first!.score),
        'Dskd-Threshold': String(first!.threshold),
        'Dskd-Verdict': first!.verdict,
      });
    }
    return c.json({
      model: model.name,
      version: version.id,
      predictions: scored.map((each, index) => answeredPrediction(each, job.named[index]!, maps[index])),
    });
  };

  app.post(ROUTES.predict.path, async (c) => {
    const query = checked(predictQuerySchema, c.req.query(), 'The query');
    const { threshold, minArea } = query;
    const model = models.get(query.model);
    const scoring = {
      ...(threshold !== undefined && { threshold }),
      ...(minArea !== undefined && { minArea }),
    };
    return predictions.score<ImagesJob, Response>({
      model,
      versionId: query.version,
      request: c.req.raw,
      parse: async (bytes, signal) => {
        const named = await imagesOf(bytes, c.req.raw.headers, options, signal);
        return { named, images: named.map((image) => image.bytes), options: scoring };
      },
      answer: (scored) => answer(c, model, scored, query),
    });
  });

  app.get(ROUTES.models.path, (c) => c.json({ models: models.all.map(describeModel) }));
  app.get('/v1/models/:model', (c) => c.json(describeModel(models.get(c.req.param('model')))));

  app.patch('/v1/models/:model', async (c) => {
    assertAllowed(options.control, 'change models', 'control');
    const model = models.get(c.req.param('model'));
    const version = model.current();
    const { threshold } = await uploads.read(c.req.raw, c.req.raw.signal, (bytes) =>
      Promise.resolve(checked(thresholdSchema, parseJson(bytes), 'The body')),
    );
    version.threshold = threshold ?? undefined;
    return c.json(describeModel(model));
  });

  app.post('/v1/models/:model/feedback', async (c) => {
    assertAllowed(options.feedback, 'take feedback', 'feedback');
    const model = models.get(c.req.param('model'));
    model.current();
    const named = await uploads.read(c.req.raw, c.req.raw.signal, (bytes, signal) =>
      imagesOf(bytes, c.req.raw.headers, options, signal),
    );
    const { images, alarms, threshold } = await models.teach(
      model.name,
      named.map(({ bytes }) => bytes),
    );
    const version = model.current().id;
    c.set('facts', { model: model.name, version, images });
    return c.json({ model: model.name, version, images, alarms, threshold });
  });
}
