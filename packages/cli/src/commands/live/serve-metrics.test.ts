import { LiveMetrics } from '@dskd/live/node';
import { createServer, type AddressInfo } from 'node:net';
import { serveMetrics } from './serve-metrics.js';

test('serves metrics and a probe on this machine; a port that is taken is told', async () => {
  const free = createServer();
  await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
  const { port } = free.address() as AddressInfo;
  await expect(serveMetrics(new LiveMetrics(), port)).rejects.toMatchObject({
    code: 'invalid-argument',
    details: { reason: 'EADDRINUSE' },
  });
  await new Promise((resolve) => free.close(resolve));
  const server = await serveMetrics(new LiveMetrics(), port);
  const get = (page: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${page}`);
  try {
    const metrics = await get('/metrics');
    expect(metrics.headers.get('content-type')).toContain('text/plain');
    expect(await metrics.text()).toContain('# TYPE dskd_live_frames_total counter');
    expect([(await get('/live')).status, (await get('/')).status]).toEqual([200, 404]);
  } finally {
    await server.close();
  }
});
