import { readFile } from 'node:fs/promises';
import '@tensorflow/tfjs';
import { DskdError } from '@dskd/base';
import { createApp, listen, openModels, type ModelSource } from '@dskd/server';
import { embeddedTeacherFor } from '../../models.js';
import { pluginModules } from '../../plugins.js';
import type { ServeOptions } from '../serve.js';

/** `NAME=FILE`, or a file that names itself. */
function sourceOf(argument: string): ModelSource {
  const [, name, file] = /^([^=/\\]+)=(.+)$/.exec(argument) ?? [];
  return name === undefined || file === undefined ? argument : { name, file };
}

/** The token of the file, or of the environment, in which it is not shown by a list of processes. */
async function tokenOf({ tokenFile }: ServeOptions): Promise<string | undefined> {
  const where = tokenFile ?? 'DSKD_TOKEN';
  const text =
    tokenFile === undefined
      ? process.env.DSKD_TOKEN
      : await readFile(tokenFile, 'utf8').catch(unreadable(tokenFile));
  const token = text?.trim();
  if (token === undefined) return undefined;
  if (/^[\x21-\x7e]{8,}$/.test(token)) return token;
  throw new DskdError(
    'invalid-argument',
    `Got ${token === '' ? 'no token' : 'a token that cannot be sent'} in ${where}.`,
    {
      hint: 'Wanted at least 8 letters, digits or signs of ASCII, without spaces: openssl rand -hex 32 makes one.',
    },
  );
}

function unreadable(file: string): (cause: unknown) => never {
  return (cause) => {
    throw new DskdError('file-not-found', `Cannot read ${file}.`, {
      hint: 'Check the path, and who may read it.',
      cause,
    });
  };
}

const LOOPBACK = /^(?:127\.|::1$|localhost$)/;

/** Serves models until the signal is aborted; then finishes the requests that were accepted. */
export async function runServer(
  models: readonly string[],
  options: ServeOptions,
  signal: AbortSignal,
): Promise<void> {
  const { watch, reload, weights, workers, threads, queue, engine, backend, maxPixels, plugin } = options;
  if (models.length === 0 && watch === undefined) {
    throw new DskdError('invalid-argument', 'No models are given.', {
      hint: 'Name model files, or a folder of them: --watch DIR.',
    });
  }
  const token = await tokenOf(options);
  const teacher =
    weights === undefined ? undefined : new Uint8Array(await readFile(weights).catch(unreadable(weights)));
  const loaded = await openModels(models.map(sourceOf), {
    threads,
    engine,
    backend,
    maxPixels,
    imports: await pluginModules(plugin),
    watch: watch ?? reload,
    teacher: async (bytes, file) => teacher ?? (await embeddedTeacherFor(bytes, file)),
    signal,
    ...(workers !== undefined && { workers }),
    ...(queue !== undefined && { queue }),
  });
  try {
    const { corsOrigin, imageHost, privateImageHosts, control, feedback, timeout, maxBody, host, port } =
      options;
    const server = createApp(loaded, {
      control,
      feedback,
      privateImageHosts,
      timeout: timeout * 1000,
      maxBody: Math.round(maxBody * 2 ** 20),
      ...(token !== undefined && { token }),
      ...(corsOrigin && { corsOrigins: corsOrigin }),
      ...(imageHost && { imageHosts: imageHost }),
    });
    const running = await listen(server, { host, port });
    server.log.info({ url: running.url, models: loaded.all.map(({ name }) => name) }, 'listening');
    if (token === undefined && !LOOPBACK.test(running.host)) {
      server.log.warn(
        { host: running.host },
        'everybody who reaches this address may send requests: no token is set',
      );
    }
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    server.log.info({}, 'ending');
    await running.close();
  } finally {
    await loaded.close();
  }
}
