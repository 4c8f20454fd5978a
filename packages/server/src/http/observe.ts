import {
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context as TraceContext,
} from '@opentelemetry/api';
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { AppEnvironment } from './environment.js';
import type { Metrics } from './metrics.js';

/** Lines of the log. A logger of pino is one. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const TRACE_PARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** The span that the header `traceparent` (W3C Trace Context) names. */
function remoteContext(header: string | undefined): TraceContext {
  const [, traceId, spanId, flags] = TRACE_PARENT.exec(header ?? '') ?? [];
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  const span = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags!, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  };
  return isSpanContextValid(span) ? trace.setSpanContext(ROOT_CONTEXT, span) : ROOT_CONTEXT;
}

/** Probes come every few seconds: they are logged only where all is logged. */
const PROBES = new Set(['/live', '/ready', '/v2/health/live', '/v2/health/ready', '/metrics']);

/** Measures and logs each request, in a span of the tracer that the program has registered, if any. */
export function observe(log: Log, metrics: Metrics): MiddlewareHandler<AppEnvironment> {
  const tracer = trace.getTracer('@dskd/server');
  return async (c, next) => {
    const started = performance.now();
    const { method, path } = c.req;
    const parent = remoteContext(c.req.header('traceparent'));
    const span = tracer.startSpan(`${method} request`, { kind: SpanKind.SERVER }, parent);
    await context.with(trace.setSpan(parent, span), next);
    const seconds = (performance.now() - started) / 1000;
    const { status } = c.res;
    // The pattern, not the path: a client must not make labels.
    const pattern = routePath(c, -1);
    const route = pattern === '/*' || pattern === '*' ? 'none' : pattern;
    metrics.answered(route, status, seconds);
    span.updateName(`${method} ${route}`);
    span.setAttributes({
      'http.request.method': method,
      'http.route': route,
      'http.response.status_code': status,
    });
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
    const { traceId, spanId } = span.spanContext();
    const failure = c.get('failure');
    const fields = {
      request: c.get('requestId'),
      ...(isSpanContextValid(span.spanContext()) && { trace_id: traceId, span_id: spanId }),
      method,
      path: path.slice(0, 500),
      status,
      milliseconds: Math.round(seconds * 1e4) / 10,
      ...c.get('facts'),
      ...(failure !== undefined && { error: describeFailure(failure) }),
    };
    const level = status >= 500 ? 'error' : PROBES.has(path) ? 'debug' : 'info';
    log[level](fields, 'request');
  };
}

/** An error as fields of a line, with its stack only where it is not one of ours. */
export function describeFailure(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code } = error as Error & { readonly code?: unknown };
  const isOurs = error.name === 'DskdError';
  return {
    message: error.message,
    ...(code !== undefined && { code }),
    ...(!isOurs && { stack: error.stack }),
  };
}
