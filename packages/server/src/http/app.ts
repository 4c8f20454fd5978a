import { OpenAPIHono, z } from '@hono/zod-openapi';
import { DskdError } from '@dskd/base';
import { cors } from 'hono/cors';
import { HTTPException } from 'hono/http-exception';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { pino } from 'pino';
import { HeatMaps } from '../heat-maps/heat-maps.js';
import type { Models } from '../models/models.js';
import { addOipRoutes } from '../oip/oip-routes.js';
import { authorized } from './access.js';
import { addDocs } from './docs.js';
import type { AppEnvironment } from './environment.js';
import { refusalOf } from './errors.js';
import { resolveOptions, type AppOptions } from './options.js';
import type { Services } from './services.js';
import { Metrics } from './metrics.js';
import { describeFailure, observe, type Log } from './observe.js';
import { Predictions } from './predictions.js';
import { Uploads } from './uploads.js';
import { addV1Routes } from './v1-routes.js';

/** The HTTP application, and what ends it. */
export interface ServerApp {
  /** `app.fetch` answers a request; `app.request('/live')` is for tests. */
  readonly app: OpenAPIHono<AppEnvironment>;
  readonly log: Log;
  /** From now on the server is not ready, and tells clients to close their connections. */
  drain(): void;
  /** Ends what the application itself has started; not the models. */
  close(): Promise<void>;
}

/**
 * Makes the HTTP application of a server: predictions, the Open Inference Protocol, metrics, probes and documentation.
 * @param models stay the caller's.
 * @throws {DskdError} `invalid-argument`
 */
export function createApp(models: Models, options: AppOptions = {}): ServerApp {
  const settings = resolveOptions(options);
  const log = options.log ?? pino();
  const uploads = new Uploads(settings);
  const metrics = new Metrics(models, uploads);
  const heatMaps = new HeatMaps(models.maxPixels);
  let isDraining = false;
  const state = {
    // A damaged file beside others, or a swap, must not take the server out of service.
    isReady: () => !isDraining && models.all.some(({ version }) => version !== undefined),
  };
  const services: Services = {
    models,
    options: settings,
    uploads,
    predictions: new Predictions(uploads, metrics, settings.timeout),
    heatMaps,
    state,
  };
  for (const { name: model, version, failure } of models.all) {
    if (failure) log.error({ model, error: describeFailure(failure) }, 'model-load-failed');
    if (version) log.info({ model, version: version.id, engine: version.facts.engine }, 'model-loaded');
  }
  const unsubscribe = models.subscribe((event) => {
    metrics.onModelEvent(event);
    const { type, ...facts } = event;
    if (event.type === 'model-load-failed') {
      log.error({ model: event.model, error: describeFailure(event.error) }, type);
    } else log.info(facts, type);
  });

  const app = new OpenAPIHono<AppEnvironment>();
  app.use(requestId());
  app.use(observe(log, metrics));
  app.use(async (c, next) => {
    await next();
    if (isDraining) c.header('Connection', 'close');
  });
  app.use(
    secureHeaders({
      crossOriginResourcePolicy: settings.corsOrigins.length === 0 && 'same-origin',
      // Whether the outside speaks HTTPS is known to the proxy only.
      strictTransportSecurity: false,
    }),
  );
  if (settings.corsOrigins.length > 0) {
    app.use(
      cors({
        origin: [...settings.corsOrigins],
        allowMethods: ['GET', 'POST', 'PATCH'],
        exposeHeaders: ['Retry-After', 'X-Request-Id', 'Dskd-Model', 'Dskd-Version', 'Dskd-Score', 'Dskd-Threshold', 'Dskd-Verdict', 'Inference-Header-Content-Length'], // prettier-ignore
        maxAge: 600,
      }),
    );
  }
  app.use(authorized(options.token));

  app.onError((error, c) => {
    const refusal = refusalOf(error instanceof HTTPException ? asRefusal(error) : error);
    c.set('failure', error);
    const { status, code, message, hint, details, retryAfter } = refusal;
    if (retryAfter !== undefined) c.header('Retry-After', String(retryAfter));
    // The rest of the body is not read: nothing else can come on this connection.
    if (status === 408 || status === 413) c.header('Connection', 'close');
    const body = c.req.path.startsWith('/v2')
      ? { error: hint === undefined ? message : `${message} ${hint}` }
      : { error: { code, message, ...(hint !== undefined && { hint }), details } };
    return c.json(body, status as ContentfulStatusCode);
  });
  app.notFound((c) => {
    const message = `There is no ${c.req.method} ${c.req.path.slice(0, 200)}.`;
    return c.req.path.startsWith('/v2')
      ? c.json({ error: message }, 404)
      : c.json(
          { error: { code: 'not-found', message, hint: 'GET /docs shows what there is.', details: {} } },
          404,
        );
  });

  const text = (description: string) => ({ description, content: { 'text/plain': { schema: z.string() } } });
  app.openAPIRegistry.registerPath({ method: 'get', path: '/live', summary: 'Say whether the server runs', responses: { 200: text('It runs.') } }); // prettier-ignore
  app.openAPIRegistry.registerPath({ method: 'get', path: '/ready', summary: 'Say whether a model answers', responses: { 200: text('Yes.'), 503: text('No model is loaded, or the server ends.') } }); // prettier-ignore
  app.openAPIRegistry.registerPath({ method: 'get', path: '/metrics', summary: 'Metrics for Prometheus', security: [{ token: [] }, {}], responses: { 200: text('The metrics.') } }); // prettier-ignore
  app.get('/live', (c) => c.text('live\n'));
  app.get('/ready', (c) => (state.isReady() ? c.text('ready\n') : c.text('not ready\n', 503)));
  app.get('/metrics', async (c) =>
    c.body(await metrics.text(), 200, { 'Content-Type': metrics.contentType }),
  );
  addV1Routes(app, services);
  addOipRoutes(app, services);
  addDocs(app);

  return {
    app,
    log,
    drain() {
      isDraining = true;
    },
    async close() {
      unsubscribe();
      await heatMaps.close();
    },
  };
}

/** What the framework itself refuses. */
function asRefusal(error: HTTPException): DskdError {
  return new DskdError('invalid-argument', error.message || 'The request is not accepted.', { cause: error });
}
