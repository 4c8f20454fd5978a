import { validate } from './open-api.test.util.js';
import { withApp } from './with-app.test.util.js';

test('the description is valid OpenAPI 3.1 and has exactly the routes that there are', () =>
  withApp({}, async ({ app }) => {
    const document = (await (await app.request('/openapi.json')).json()) as {
      openapi: string;
      paths: Record<string, object>;
    } & Record<string, unknown>;
    expect(document.openapi).toBe('3.1.0');
    expect(await validate(document)).toEqual({ valid: true, errors: undefined });
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = app.routes
      .filter(({ method, path }) => method !== 'ALL' && !path.startsWith('/docs') && path !== '/openapi.json')
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    expect(described.sort()).toEqual(served.sort());
  }));

test('the page of the documentation brings all that it loads', () =>
  withApp({}, async ({ app }) => {
    const page = await app.request('/docs');
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    const html = await page.text();
    expect(html).not.toMatch(/https?:\/\//);
    const sources = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source!);
    expect(sources).toHaveLength(3);
    for (const source of sources) {
      const response = await app.request(`/${source}`);
      expect([source, response.status]).toEqual([source, 200]);
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(50);
    }
  }));
