import { isDskdError } from '@dskd/base';
import type { Rectangle } from '@dskd/data';
import type { Prediction } from '@dskd/detector';
import type { Engine } from '@dskd/engine';
import type { EngineImage } from '@dskd/engine/node';
import { AlarmRule, type AlarmRuleOptions } from '../alarm-rule.js';
import type { Area } from '../area.js';
import type { BackoffOptions } from '../backoff.js';
import { inspect } from '../inspect.js';
import type { Schedule } from '../schedule.js';
import type { Frame, Source } from '../source.js';
import { openDeliveries } from './delivery/open-deliveries.js';
import type { SpoolLimits } from './delivery/spool-files.js';
import { alarmEvent, imageOf, inspectedPart } from './frames.js';
import { LiveMetrics } from './metrics.js';
import { Run, type LiveLog, type SourceState } from './run.js';
import type { Sink } from './sinks/sink.js';
import type { LiveSummary } from './summary.js';

export interface LiveOptions {
  readonly source: Source<EngineImage>;
  readonly sinks: readonly Sink[];
  /** Scores the frames; stays the caller's. */
  readonly engine: Pick<Engine<EngineImage, never>, 'predict' | 'info'>;
  /** Name of the model in alarms. */
  readonly model: string;
  /** Folder in which alarms wait for their delivery. One process uses it at a time. */
  readonly spool: string;
  /** Of the spool of each sink, and again of what its receiver refused. Default: 10,000 alarms, 2 GiB. */
  readonly spoolLimits?: SpoolLimits | undefined;
  /** Whether alarms that receivers refused in earlier runs are delivered again. Default false. */
  readonly retryRefused?: boolean | undefined;
  /** The part of each image that is inspected. Default: all of it. */
  readonly area?: Area | undefined;
  readonly schedule?: Schedule | undefined;
  readonly rule?: AlarmRuleOptions | undefined;
  /** A higher score is anomalous. Default: the threshold of the model. */
  readonly threshold?: number | undefined;
  /** Smallest region reported, in pixels of the network's input. Default 1. */
  readonly minArea?: number | undefined;
  /** Most frames of a camera that wait. Default 2. */
  readonly buffer?: number | undefined;
  /** A camera that sends nothing for so long is opened again, in milliseconds. Default 10,000. */
  readonly stallMs?: number | undefined;
  /** An attempt of a delivery that takes longer is given up, in milliseconds. Default 10,000. */
  readonly deliveryTimeoutMs?: number | undefined;
  /** Pauses between attempts of a delivery. Default: 500 ms, doubled up to 30 s. */
  readonly deliveryBackoff?: BackoffOptions | undefined;
  /** At the end: longest time for deliveries; the rest stays in the spool. In milliseconds. Default 5000. */
  readonly graceMs?: number | undefined;
  /** Is told of each frame that was scored, in their order. */
  readonly onFrame?: ((frame: ScoredFrame) => void) | undefined;
  /** Is told when the source fails, and when it gives frames again; of a failure that goes on, every five minutes. */
  readonly onSource?: ((state: SourceState) => void) | undefined;
  /** Default: lines of JSON on standard error. */
  readonly log?: LiveLog | undefined;
  /** Counts what happens, for who shows it. */
  readonly metrics?: LiveMetrics | undefined;
  /** Ends the run. */
  readonly signal: AbortSignal;
}

/** So many frames in a row that no worker could score: the engine does not recover any more. */
const DEAD_AFTER = 10;

/** A frame with its result. */
export interface ScoredFrame {
  readonly frame: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly score: number;
  readonly threshold: number;
  readonly verdict: Prediction['verdict'];
  /** Whether it is an alarm. */
  readonly isAlarm: boolean;
}

/**
 * Inspects a source and delivers alarms until the source ends or the signal is aborted. Then frames that are being scored are finished,
 * and every alarm is delivered or stays in the spool, from where the next run delivers it.
 * @returns what was done.
 * @throws {DskdError} `invalid-argument`, `file-not-writable` (the spool), `dependency-missing` (ffmpeg), `worker-failed` (the engine
 * scores nothing any more)
 */
export async function runLive(options: LiveOptions): Promise<LiveSummary> {
  const { source, sinks, engine, model, area, threshold, minArea, signal, graceMs = 5000 } = options;
  const { spoolLimits = { alarms: 10_000, bytes: 2 ** 31 } } = options;
  const run = new Run(source.name, options.metrics ?? new LiveMetrics(), options.log, options.onSource);
  const rule = new AlarmRule(options.rule);
  const deliveries = await openDeliveries(sinks, {
    folder: options.spool,
    limits: spoolLimits,
    retryRefused: options.retryRefused ?? false,
    backoff: options.deliveryBackoff ?? { firstMs: 500, mostMs: 30_000 },
    timeoutMs: options.deliveryTimeoutMs ?? 10_000,
    onEvent: (sink, event) => run.onDelivery(sink, event),
    onLeftover: (folder, alarms) =>
      run.log.warn({ folder, alarms }, 'alarms wait for a sink that is not named any more'),
    onRefused: (sink, folder, alarms) =>
      run.log.warn({ sink, folder, alarms }, 'alarms that were refused are set aside: retry-refused'),
  });
  run.watch(deliveries);
  const { schedule } = options;
  const { engine: computes, workers, reason } = engine.info;
  run.log.info(
    {
      model,
      source: source.name,
      sinks: sinks.map(({ name }) => name),
      engine: { computes, workers, reason },
      ...(schedule && { schedule: schedule.text, timeZone: schedule.timeZone }),
    },
    'started',
  );
  const areas = new WeakMap<Frame<EngineImage>, Rectangle>();
  let dead = 0;
  const wantsImage = sinks.some((sink) => sink.wantsImage);
  try {
    const inspected = inspect(source, {
      rule,
      signal,
      atATime: 2 * Math.max(1, engine.info.workers),
      schedule,
      ...(options.buffer !== undefined && { buffer: options.buffer }),
      ...(options.stallMs !== undefined && { stallMs: options.stallMs }),
      onEvent: (event) => run.onInspect(event),
      async score(frame) {
        const part = await inspectedPart(frame.image, area, engine.info.description);
        if (part.area) areas.set(frame, part.area);
        return engine.predict(part.image, {
          ...(threshold !== undefined && { threshold }),
          ...(minArea !== undefined && { minArea }),
        });
      },
    });
    for await (const { frame, result, alarm } of inspected) {
      if (result instanceof Error) {
        run.failed(frame, result);
        dead = isDskdError(result, 'worker-failed') ? dead + 1 : 0;
        // Whoever supervises the process starts it again; alarms wait in the spool.
        if (dead >= DEAD_AFTER) throw result;
        continue;
      }
      dead = 0;
      run.scored(frame, result.score, result.verdict === 'anomalous');
      const { score, threshold: limit, verdict } = result;
      options.onFrame?.({
        frame: frame.id,
        time: new Date(frame.time).toISOString(),
        score,
        threshold: limit,
        verdict,
        isAlarm: alarm !== undefined,
      });
      if (!alarm) continue;
      const { method } = engine.info.description;
      const facts = { model, method, source: source.name, since: alarm.since, area: areas.get(frame) };
      const event = alarmEvent(frame, result, facts);
      run.raised(event.id, frame.id, result.score);
      const image = wantsImage ? await imageOf(frame) : undefined;
      await Promise.all(deliveries.all.map((delivery) => delivery.add({ event, image })));
    }
  } finally {
    await deliveries.finish(graceMs);
  }
  const summary = run.summary(deliveries, source.isLive);
  run.log.info(summary, 'summary');
  return summary;
}
