import { fakeModels, keptLog } from '../fake-engine.test.util.js';
import { createApp, type ServerApp } from './app.js';
import type { AppOptions } from './options.js';

type Fakes = Awaited<ReturnType<typeof fakeModels>>;

/** An application with models of fake engines, which are ended after `work`. */
export async function withApp(
  options: AppOptions,
  work: (
    server: ServerApp,
    fakes: Fakes & { readonly lines: ReturnType<typeof keptLog>['lines'] },
  ) => Promise<void>,
  files: Readonly<Record<string, number>> = { a: 2 },
  more: Parameters<typeof fakeModels>[1] = {},
): Promise<void> {
  const fakes = await fakeModels(files, more);
  const { log, lines } = keptLog();
  const server = createApp(fakes.models, { log, ...options });
  try {
    await work(server, { ...fakes, lines });
  } finally {
    await server.close();
    await fakes.end();
  }
}
