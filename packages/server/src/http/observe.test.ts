import { trace, type Context, type Span, type SpanOptions, type TracerProvider } from '@opentelemetry/api';
import { withApp } from './with-app.test.util.js';

interface Kept {
  name: string;
  readonly parent: string | undefined;
  attributes: Record<string, unknown>;
  isEnded: boolean;
}

/** A tracer that keeps its spans. */
function keptSpans(): Kept[] {
  const spans: Kept[] = [];
  const startSpan = (name: string, _options: SpanOptions, parent: Context): Span => {
    const kept: Kept = {
      name,
      parent: trace.getSpanContext(parent)?.traceId,
      attributes: {},
      isEnded: false,
    };
    spans.push(kept);
    return {
      spanContext: () => ({ traceId: kept.parent ?? 'f'.repeat(32), spanId: 'e'.repeat(16), traceFlags: 1 }),
      updateName: (changed: string) => (kept.name = changed),
      setAttributes: (attributes: object) => (kept.attributes = { ...attributes }),
      setStatus: () => undefined,
      end: () => (kept.isEnded = true),
    } as unknown as Span;
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) } as unknown as TracerProvider);
  return spans;
}

afterEach(() => trace.disable());

test('a program with a tracer gets a span for each request, in the trace of its client', () =>
  withApp({}, async ({ app }, { lines }) => {
    const spans = keptSpans();
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    await app.request('/v1/models/a', { headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } });
    await app.request('/v1/models/b');
    expect(spans).toEqual([
      {
        name: 'GET /v1/models/:model',
        parent: traceId,
        attributes: {
          'http.request.method': 'GET',
          'http.route': '/v1/models/:model',
          'http.response.status_code': 200,
        },
        isEnded: true,
      },
      expect.objectContaining({
        parent: undefined,
        attributes: expect.objectContaining({ 'http.response.status_code': 404 }) as object,
        isEnded: true,
      }),
    ]);
    expect(lines.filter(({ message }) => message === 'request').map((line) => line.trace_id)).toEqual([
      traceId,
      'f'.repeat(32),
    ]);
  }));
