import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { AppEnvironment } from './environment.js';
import { VERSION } from '../version.js';

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>dskd server</title>
    <link rel="stylesheet" href="docs/swagger-ui.css" />
  </head>
  <body>
    <div id="page"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/page.js"></script>
  </body>
</html>
`;

const SCRIPT = `SwaggerUIBundle({ url: 'openapi.json', dom_id: '#page', validatorUrl: null });\n`;

const require = createRequire(import.meta.url);

const ASSETS = [
  ['swagger-ui.css', 'text/css; charset=utf-8', () => require.resolve('swagger-ui-dist/swagger-ui.css')],
  [
    'swagger-ui-bundle.js',
    'text/javascript; charset=utf-8',
    () => require.resolve('swagger-ui-dist/swagger-ui-bundle.js'),
  ],
] as const;

/** The page brings all it needs from this server; Swagger UI writes styles and small images into it. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"; // prettier-ignore

/** The description of all routes (OpenAPI 3.1), and a page that shows it without anything from elsewhere. */
export function addDocs(app: OpenAPIHono<AppEnvironment>): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'dskd server',
      version: VERSION,
      description:
        'Scores images by detectors of anomalies. Routes below /v2 are the Open Inference Protocol.',
      license: { name: 'Apache-2.0' },
    },
  });
  app.get('/docs', (c) => {
    c.header('Content-Security-Policy', POLICY);
    return c.html(PAGE);
  });
  app.get('/docs/page.js', (c) => c.body(SCRIPT, 200, { 'Content-Type': 'text/javascript; charset=utf-8' }));
  for (const [name, type, find] of ASSETS) {
    let content: Promise<Buffer<ArrayBuffer>> | undefined;
    app.get(`/docs/${name}`, async (c) => {
      content ??= readFile(find()) as Promise<Buffer<ArrayBuffer>>;
      return c.body(await content, 200, { 'Content-Type': type, 'Cache-Control': 'max-age=3600' });
    });
  }
}
