import { readFile } from 'node:fs/promises';
import path from 'node:path';
import '@tensorflow/tfjs';
import { DskdError, withinTime } from '@dskd/base';
import { openEngine } from '@dskd/engine/node';
import { Area, Schedule } from '@dskd/live';
import { LiveMetrics, runLive, parseSink, parseSource, type SinkSecrets } from '@dskd/live/node';
import { embeddedTeacherFor, readModel } from '../../models.js';
import { printJson } from '../../output/print.js';
import { pluginModules } from '../../plugins.js';
import type { LiveOptions } from '../live.js';
import { serveMetrics } from './serve-metrics.js';

/** From a file and the environment, which are not shown by a list of processes. */
async function secretsOf({ webhookSecretFile: file }: LiveOptions): Promise<SinkSecrets> {
  const { DSKD_WEBHOOK_SECRET, DSKD_MQTT_USER, DSKD_MQTT_PASSWORD } = process.env;
  const secret = file === undefined ? DSKD_WEBHOOK_SECRET : await readSecret(file);
  return { webhook: secret?.trim(), mqttUser: DSKD_MQTT_USER, mqttPassword: DSKD_MQTT_PASSWORD };
}

function readSecret(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read ${file}.`, {
      hint: 'Check the path, and who may read it.',
      cause,
    });
  });
}

/** A camera shows the same anomaly in many frames; in a folder each image is another part. */
const COOL_DOWN_MS = 10_000;

/** Inspects a source until it ends, the time is over or the signal is aborted. */
export async function watchLive(model: string, options: LiveOptions, signal: AbortSignal): Promise<void> {
  const { fps, existing, settle, region, schedule: times, timeZone, minDuration, coolDown } = options;
  // All that can be wrong is looked at before the model is loaded.
  const source = parseSource(options.source, { fps, existing, settledMs: settle });
  const secrets = await secretsOf(options);
  const sinks = options.dryRun ? [] : options.sink.map((address) => parseSink(address, secrets));
  const area = region === undefined ? undefined : new Area(region);
  const schedule = times === undefined ? undefined : new Schedule(times, timeZone);
  const { weights, engine: kind, workers, threads, backend, plugin } = options;
  const teacher = weights ?? (await embeddedTeacherFor(await readModel(model), model));
  await using engine = await openEngine(model, {
    engine: kind,
    workers,
    backend,
    signal,
    imports: await pluginModules(plugin),
    ...(threads !== undefined && { threads }),
    ...(teacher !== undefined && { teacher }),
  });
  const metrics = new LiveMetrics();
  const server =
    options.metricsPort === undefined ? undefined : await serveMetrics(metrics, options.metricsPort);
  try {
    const run = async (until: AbortSignal): Promise<unknown> =>
      runLive({
        source,
        sinks,
        engine,
        model: path.parse(model).name,
        spool: options.spool,
        spoolLimits: { alarms: options.spoolLimit, bytes: 2 ** 31 },
        area,
        schedule,
        rule: { minDuration, coolDown: coolDown ?? (source.isLive ? COOL_DOWN_MS : 0) },
        threshold: options.threshold,
        minArea: options.minArea,
        buffer: options.buffer,
        stallMs: options.stall,
        metrics,
        signal: until,
        ...(options.dryRun && { onFrame: printJson }),
      });
    await (options.for === undefined ? run(signal) : withinTime(signal, options.for, run));
  } finally {
    await server?.close();
  }
}
