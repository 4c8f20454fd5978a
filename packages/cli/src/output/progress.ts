import type { DskdEvent, EventListener } from '@dskd/base';
import { colored, printJson } from './print.js';

const BAR_WIDTH = 16;
/** Back to the first column, and the line cleared. */
const REWRITE = '\r\x1b[2K';

/** Where progress goes: standard error or, in a test, something like it. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface ProgressOptions {
  readonly json: boolean;
  readonly stream?: ProgressStream;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

function losses(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${value.toPrecision(3)}`)
    .join('  ');
}

/** Rate and time left from what was done since this clock began (a resumed run began in the middle). */
class Clock {
  readonly #now: () => number;
  readonly #start: number;
  #first: number | undefined;

  constructor(now: () => number) {
    this.#now = now;
    this.#start = now();
  }

  describe(done: number, total: number, unit: string): string {
    this.#first ??= done - 1;
    const rate = ((done - this.#first) / (this.#now() - this.#start)) * 1000;
    return `${rate.toFixed(2)} ${unit}/s, ${formatDuration((total - done) / rate)} left`;
  }
}

/** A bar that rewrites its line on a terminal; plain lines, one an epoch, elsewhere. */
function humanRenderer(stream: ProgressStream, now: () => number): EventListener {
  let run = { epochs: 0, steps: 0, done: 0, clock: new Clock(now) };
  let images: Clock | undefined;
  const say = (text: string): void => {
    stream.write(stream.isTTY ? `${REWRITE}${text}\n` : `${text}\n`);
  };
  const show = (text: string): void => {
    if (stream.isTTY) stream.write(`${REWRITE}${text.slice(0, (stream.columns || 80) - 1)}`);
  };
  return (event: DskdEvent) => {
    switch (event.type) {
      case 'training-start':
        run = {
          epochs: event.epochs,
          steps: event.epochs * event.stepsPerEpoch,
          done: 0,
          clock: new Clock(now),
        };
        say(
          `training ${event.students.join(' and ')} on ${event.samples} images: ${event.epochs} epochs, ${run.steps} steps`,
        );
        break;
      case 'step-end': {
        run.done = event.step + 1;
        const bar = '#'.repeat(Math.round((BAR_WIDTH * run.done) / run.steps)).padEnd(BAR_WIDTH, '.');
        const clock = run.clock.describe(run.done, run.steps, 'steps');
        show(`[${bar}] ${run.done}/${run.steps}  ${losses(event.losses)}  ${clock}`);
        break;
      }
      case 'epoch-end':
        say(
          `epoch ${event.epoch + 1}/${run.epochs}: ${losses(event.losses)}  ${run.clock.describe(run.done, run.steps, 'steps')}`,
        );
        break;
      case 'checkpoint-saved':
        say(`checkpoint saved after step ${event.step}`);
        break;
      case 'held-out-error': {
        const clock = run.done > 0 ? `  ${run.clock.describe(run.done, run.steps, 'steps')}` : '';
        say(`step ${event.step}: held-out error ${event.mean.toFixed(4)}  ${losses(event.levels)}${clock}`);
        break;
      }
      case 'calibration-start':
        say(`calibrating on ${event.samples} good images`);
        break;
      case 'image-scored': {
        images ??= new Clock(now);
        const done = event.index + 1;
        show(`scored ${done}/${event.total}  ${images.describe(done, event.total, 'images')}`);
        if (done === event.total) {
          images = undefined;
          if (stream.isTTY) stream.write(REWRITE);
        }
        break;
      }
      case 'warning':
        say(`${colored('warning:', 'yellow', stream)} ${event.message}`);
        break;
      case 'epoch-start':
      case 'training-end':
        break;
    }
  };
}

/** What the user sees of a long call: JSON lines on standard output, or progress on standard error. */
export function progressRenderer({
  json,
  stream = process.stderr,
  now = () => performance.now(),
}: ProgressOptions): EventListener {
  return json ? printJson : humanRenderer(stream, now);
}

/** For work on many things: a line that rewrites itself on a terminal, `drawn 12/180`; nothing elsewhere. */
export function countRenderer(
  verb: string,
  stream: ProgressStream = process.stderr,
): (total: number) => void {
  let done = 0;
  return (total) => {
    done++;
    if (stream.isTTY) stream.write(done === total ? REWRITE : `${REWRITE}${verb} ${done}/${total}`);
  };
}

/** `45s`, `3m05s`, `2h10m`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m${two(whole % 60)}s`;
  return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
}
