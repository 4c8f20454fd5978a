import { z, type OpenAPIHono, type RouteConfig } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { DskdError } from '@dskd/base';
import { assertAllowed } from '../http/access.js';
import type { AppEnvironment } from '../http/environment.js';
import { parseJson } from '../http/images.js';
import type { ScoreJob } from '../http/predictions.js';
import { checked } from '../http/schemas.js';
import type { Services } from '../http/services.js';
import type { ServedModel } from '../models/served-model.js';
import { VERSION } from '../version.js';
import { HEADER_LENGTH, inferRequestSchema, readInferRequest, type InferRequest } from './infer-request.js';
import { assertOutputs, OUTPUTS, writeInferResponse } from './infer-response.js';

type C = Context<AppEnvironment>;

const EXTENSIONS = ['binary_tensor_data', 'model_repository', 'statistics'];

const errorSchema = z.object({ error: z.string() }).openapi('InferenceError');
const json = (schema: z.ZodType) => ({ content: { 'application/json': { schema } } });
const failed = { 400: { description: 'What was sent is not accepted.', ...json(errorSchema) } };
const nameSchema = z.object({ model: z.string() });
const versionSchema = z.object({ model: z.string(), version: z.string() });
const emptyAnswer = { 200: { description: 'Yes.' } };
const anyObject = z.looseObject({});

const route = (
  method: 'get' | 'post',
  path: string,
  summary: string,
  more: Partial<RouteConfig> = {},
): RouteConfig => ({
  method,
  path,
  summary,
  responses: { 200: { description: 'Done.', ...json(anyObject) }, ...failed },
  ...more,
});

function routesOf(): RouteConfig[] {
  const ofModel = (path: string, params: typeof nameSchema | typeof versionSchema): RouteConfig[] => [
    route('get', path, 'Describe a model', { request: { params } }),
    route('get', `${path}/ready`, 'Say whether a model answers', {
      request: { params },
      responses: { ...emptyAnswer, ...failed },
    }),
    route('get', `${path}/stats`, 'Count what a model has done', { request: { params } }),
    route('post', `${path}/infer`, 'Score images', {
      description: `With the header ${HEADER_LENGTH} binary tensors follow the JSON.`,
      request: { params, body: { required: true, ...json(inferRequestSchema) } },
    }),
  ];
  return [
    route('get', '/v2', 'Describe the server'),
    route('get', '/v2/health/live', 'Say whether the server runs', { responses: emptyAnswer }),
    route('get', '/v2/health/ready', 'Say whether a model answers', {
      responses: { ...emptyAnswer, 503: { description: 'No.' } },
    }),
    ...ofModel('/v2/models/{model}', nameSchema),
    ...ofModel('/v2/models/{model}/versions/{version}', versionSchema),
    route('get', '/v2/models/stats', 'Count what all models have done'),
    route('post', '/v2/repository/index', 'List models'),
    route('post', '/v2/repository/models/{model}/load', 'Load a model', { request: { params: nameSchema } }),
    route('post', '/v2/repository/models/{model}/unload', 'Unload a model', {
      request: { params: nameSchema },
    }),
  ];
}

function metadataOf(model: ServedModel, versionId: string | undefined): object {
  const { id, facts, description } = model.current(versionId);
  return {
    name: model.name,
    versions: [id],
    platform: `dskd_${facts.engine}`,
    inputs: [
      { name: 'image_bytes', datatype: 'BYTES', shape: [-1] },
      { name: 'images', datatype: 'UINT8', shape: [-1, -1, -1, 3] },
    ],
    outputs: Object.entries(OUTPUTS).map(([name, { datatype, sides }]) => ({
      name,
      datatype,
      shape: [-1, ...sides(description)],
    })),
  };
}

function statisticsOf(model: ServedModel, versionId: string | undefined): object {
  const version = model.current(versionId);
  const { requests, images, last, success, fail } = version.statistics.summary;
  return {
    name: model.name,
    version: version.id,
    last_inference: last,
    inference_count: images,
    execution_count: requests,
    inference_stats: { success, fail },
    batch_stats: [],
  };
}

const indexSchema = z.object({ ready: z.boolean().optional() });
const loadSchema = z.object({ parameters: z.record(z.string(), z.unknown()).optional() });

interface InferJob extends ScoreJob {
  readonly wanted: InferRequest;
}

/** The Open Inference Protocol v2, with the extensions for binary tensors, the model repository and statistics. */
export function addOipRoutes(app: OpenAPIHono<AppEnvironment>, services: Services): void {
  const { models, predictions, options, uploads, state } = services;
  for (const each of routesOf()) {
    app.openAPIRegistry.registerPath({
      tags: ['Open Inference Protocol'],
      ...each,
      security: [{ token: [] }, {}],
    });
  }

  const bodyOf = async <Schema extends z.ZodType>(c: C, schema: Schema): Promise<z.output<Schema>> =>
    uploads.read(c.req.raw, c.req.raw.signal, (bytes) =>
      Promise.resolve(checked(schema, bytes.length === 0 ? {} : parseJson(bytes), 'The request')),
    );

  app.get('/v2', (c) => c.json({ name: 'dskd', version: VERSION, extensions: EXTENSIONS }));
  app.get('/v2/health/live', (c) => c.body('', 200));
  app.get('/v2/health/ready', (c) => c.body('', state.isReady() ? 200 : 503));

  // Before the model of the same name.
  app.get('/v2/models/stats', (c) =>
    c.json({
      model_stats: models.all.filter(({ version }) => version).map((model) => statisticsOf(model, undefined)),
    }),
  );

  const infer = (c: C, name: string, versionId: string | undefined): Promise<Response> => {
    const model = models.get(name);
    return predictions.score<InferJob, Response>({
      model,
      versionId,
      request: c.req.raw,
      parse: (bytes) => {
        const wanted = readInferRequest(bytes, c.req.header(HEADER_LENGTH));
        assertOutputs(wanted);
        assertPixels(wanted, model, models.maxPixels);
        const { images, threshold } = wanted;
        return Promise.resolve({ wanted, images, options: threshold === undefined ? {} : { threshold } });
      },
      answer: async ({ job, version, predictions: scored }) => {
        const { description } = version;
        const inference = { model: model.name, version: version.id, description, predictions: scored };
        const { body, headers } = await writeInferResponse(
          job.wanted,
          inference,
          c.req.header('accept-encoding'),
        );
        c.set('facts', {
          model: model.name,
          version: version.id,
          images: scored.length,
          anomalous: scored.filter(({ verdict }) => verdict === 'anomalous').length,
        });
        return c.body(body, 200, headers);
      },
    });
  };

  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version'] as const) {
    const model = (c: C): ServedModel => models.get(c.req.param('model'));
    const version = (c: C): string | undefined => c.req.param('version');
    app.get(path, (c) => c.json(metadataOf(model(c), version(c))));
    app.get(`${path}/ready`, (c) => {
      model(c).current(version(c));
      return c.body('', 200);
    });
    app.get(`${path}/stats`, (c) => c.json({ model_stats: [statisticsOf(model(c), version(c))] }));
    app.post(`${path}/infer`, (c) => infer(c, c.req.param('model'), version(c)));
  }

  app.post('/v2/repository/index', async (c) => {
    const { ready = false } = await bodyOf(c, indexSchema);
    const listed = models.all.filter(({ version }) => !ready || version);
    return c.json(
      listed.map(({ name, version, failure }) =>
        version
          ? { name, version: version.id, state: 'READY', reason: '' }
          : { name, version: '', state: 'UNAVAILABLE', reason: failure?.message ?? 'unloaded' },
      ),
    );
  });

  app.post('/v2/repository/models/:model/load', async (c) => {
    assertAllowed(options.control, 'load and unload models', 'control');
    const { parameters = {} } = await bodyOf(c, loadSchema);
    if (Object.keys(parameters).length > 0) {
      throw new DskdError('invalid-argument', 'Got parameters for the load of a model, wanted none.', {
        hint: 'A model is loaded from its file on the server.',
      });
    }
    await models.get(c.req.param('model')).load();
    return c.body('', 200);
  });

  app.post('/v2/repository/models/:model/unload', async (c) => {
    assertAllowed(options.control, 'load and unload models', 'control');
    await bodyOf(c, z.looseObject({}));
    await models.get(c.req.param('model')).unload();
    return c.body('', 200);
  });
}

/** @throws {DskdError} `invalid-argument`, `image-unreadable` */
function assertPixels({ images }: InferRequest, model: ServedModel, maxPixels = Infinity): void {
  for (const image of images) {
    if (typeof image === 'string' || !('width' in image)) continue;
    if (model.current().description.intensityRange) {
      throw new DskdError(
        'invalid-argument',
        `The model ${model.name} wants images of 16 bits, which images does not have.`,
        {
          hint: 'Send files: the input image_bytes.',
        },
      );
    }
    if (image.width * image.height > maxPixels) {
      throw new DskdError(
        'image-unreadable',
        `An image is ${image.width} x ${image.height}; at most ${maxPixels} pixels are read.`,
      );
    }
  }
}
