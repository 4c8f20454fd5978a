import type { Prediction } from '@dskd/detector';
import type { EngineImage } from '@dskd/engine/node';
import { LatestFrames } from '../latest-frames.js';
import type { Frame, Source } from '../source.js';
import { runLive, type LiveOptions } from './run-live.js';
import type { LiveSummary } from './summary.js';
import type { LiveLog } from './run.js';

/** A source into which a test puts frames. */
export class PushSource implements Source<EngineImage> {
  readonly name = 'push';
  readonly #frames = new LatestFrames<Frame<EngineImage>>(1e6);
  #count = 0;

  constructor(readonly isLive = false) {}

  /** Puts in a frame, whose image is its score as a text. Returns its id. */
  push(score: number): string {
    const id = `${this.#count++}.png`;
    this.#frames.push({ id, time: Date.now(), image: new Uint8Array(Buffer.from(String(score))) });
    return id;
  }

  end(): void {
    this.#frames.close('keep');
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame<EngineImage>> {
    const stop = (): void => this.#frames.close('drop');
    signal.addEventListener('abort', stop, { once: true });
    yield* this.#frames;
  }
}

/** Scores a frame of {@link PushSource} by its text; above 1 is anomalous. */
export function fakeEngine(): LiveOptions['engine'] {
  return {
    info: { workers: 0, description: { method: 'instant' } } as LiveOptions['engine']['info'],
    async predict(image) {
      await Promise.resolve();
      const text = Buffer.from(image as Uint8Array).toString();
      const score = text === '' ? NaN : Number(text);
      if (Number.isNaN(score)) throw new Error('No number.');
      return {
        score,
        threshold: 1,
        verdict: score > 1 ? 'anomalous' : 'normal',
        pValue: 0.5,
        branches: { local: { score, pValue: 0.5, anomalous: score > 1 } },
        regions: [],
      } as unknown as Prediction;
    },
  };
}

export interface KeptLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A log that keeps its lines. */
export function keptLog(): { readonly log: LiveLog; readonly lines: KeptLine[] } {
  const lines: KeptLine[] = [];
  const at =
    (level: string) =>
    (fields: object, message: string): void => {
      lines.push({ level, message, fields: fields as KeptLine['fields'] });
    };
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } as LiveLog;
  return { log, lines };
}

/** A run that goes on. */
export interface Running {
  readonly stop: () => void;
  readonly summary: Promise<LiveSummary>;
  readonly lines: ReturnType<typeof keptLog>['lines'];
  readonly alarms: () => string[];
}

/** Starts a run with {@link fakeEngine}. Its pauses are short. */
export function begin(
  options: Partial<LiveOptions> & Pick<LiveOptions, 'source' | 'sinks' | 'spool'>,
): Running {
  const stop = new AbortController();
  const { log, lines } = keptLog();
  const summary = runLive({
    engine: fakeEngine(),
    model: 'tray',
    deliveryBackoff: { firstMs: 20, mostMs: 100 },
    graceMs: 2000,
    log,
    signal: stop.signal,
    ...options,
  });
  // Told where it is awaited.
  summary.catch(() => undefined);
  const alarms = (): string[] =>
    lines.filter(({ message }) => message === 'alarm').map(({ fields }) => fields.id as string);
  return { stop: () => stop.abort(), summary, lines, alarms };
}
