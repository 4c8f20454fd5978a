import { createRequire } from 'node:module';
import type { DskdEvent, EventListener } from '@dskd/base';
import type { SingleBar } from 'cli-progress';
import { colored, onProgramEnd, printJson } from './print.js';

/** The stream of progress: standard error or, in a test, a substitute. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Lines of progress and, on a terminal only, a bar below them that is redrawn in place. */
export class ProgressBar {
  readonly #stream: ProgressStream;
  #bar: SingleBar | undefined;

  constructor(stream: ProgressStream = process.stderr) {
    this.#stream = stream;
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  /**
   * Draws the bar, at most a few times a second. Does nothing without a terminal.
   * @param total undefined if it is unknown: then only the text is shown.
   */
  show(text: string, done: number, total: number | undefined): void {
    if (!this.isTerminal) return;
    if (this.#bar) {
      this.#bar.update(done, { text });
      return;
    }
    // Only here: without a terminal nothing is drawn, and commands start sooner.
    const { SingleBar: Bar } = createRequire(import.meta.url)(
      'cli-progress',
    ) as typeof import('cli-progress');
    this.#bar = new Bar({
      stream: this.#stream as NodeJS.WritableStream,
      format: total === undefined ? '{text}' : '[{bar}] {text}',
      barsize: 16,
      barCompleteChar: '#',
      barIncompleteChar: '.',
      clearOnComplete: true,
      // Cuts the line to the width of the terminal.
      linewrap: true,
      gracefulExit: false,
    });
    // The bar redraws by a timer, which would keep the process alive after an error.
    onProgramEnd(() => {
      this.clear();
    });
    this.#bar.start(total ?? done, done, { text });
  }

  /** Prints a line above the bar. */
  say(text: string): void {
    this.clear();
    this.#stream.write(`${text}\n`);
  }

  /** Removes the bar until it is shown again. */
  clear(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

export interface ProgressOptions {
  readonly json: boolean;
  readonly stream?: ProgressStream;
  /** Monotonic clock, in milliseconds. */
  readonly now?: () => number;
}

function losses(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${value.toPrecision(3)}`)
    .join('  ');
}

/** Rate and time left, from the work done since this clock started: a resumed run starts in the middle. */
class Clock {
  readonly #now: () => number;
  readonly #start: number;
  #first: number | undefined;

  constructor(now: () => number) {
    this.#now = now;
    this.#start = now();
  }

  /** The time since this clock started, as `45s`. */
  elapsed(): string {
    return formatDuration((this.#now() - this.#start) / 1000);
  }

  /** @param timeLimit milliseconds from the start of this clock after which the work ends, if it has not before. */
  describe(done: number, total: number, unit: string, timeLimit = Infinity): string {
    this.#first ??= done - 1;
    const elapsed = this.#now() - this.#start;
    const rate = ((done - this.#first) / elapsed) * 1000;
    const left = Math.max(0, Math.min((total - done) / rate, (timeLimit - elapsed) / 1000));
    return `${rate.toFixed(2)} ${unit}/s, ${formatDuration(left)} left`;
  }
}

/** The parts of a fit without epochs, one after another: the progress of each and, when it ends, its duration. */
class Stages {
  readonly #now: () => number;
  #name: string | undefined;
  #leftOut = false;
  #total = 0;
  #start: number;
  #last: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#start = this.#last = now();
  }

  /** @returns a line about the part that ended, if one did, and the text of the current part. */
  next({ stage, done, total }: Extract<DskdEvent, { type: 'fit-progress' }>): {
    readonly ended: string | undefined;
    readonly shown: string;
  } {
    const ended = stage === this.#name ? undefined : this.end();
    this.#name = stage;
    this.#total = total;
    this.#last = this.#now();
    const seconds = (this.#last - this.#start) / 1000;
    const left = formatDuration((seconds / done) * (total - done));
    const shown =
      stage === 'features'
        ? `features ${done}/${total}  ${(done / seconds).toFixed(2)} images/s, ${left} left`
        : `fitting ${stage}: ${Math.round((100 * done) / total)} %`;
    return { ended, shown };
  }

  /** The current part has come to nothing. */
  leaveOut(branch: string): void {
    if (this.#name === branch) this.#leftOut = true;
  }

  /** @returns a line about the last part, if there is one. */
  end(): string | undefined {
    if (this.#name === undefined) return undefined;
    const time = formatDuration((this.#last - this.#start) / 1000);
    const text =
      this.#name === 'features'
        ? `features of ${this.#total} images: ${time}`
        : this.#leftOut
          ? `left out ${this.#name}, which the images do not suit: ${time}`
          : `fitted ${this.#name}: ${time}`;
    this.#leftOut = false;
    this.#start = this.#last;
    this.#name = undefined;
    return text;
  }
}

/** `engine onnx, 2 threads`. */
function describeEngine({ engine, workers, threads }: Extract<DskdEvent, { type: 'engine-chosen' }>): string {
  const count = (number: number, of: string): string => `${number} ${of}${number === 1 ? '' : 's'}`;
  const each = count(threads, 'thread');
  return `engine ${engine}, ${workers === 0 ? each : `${count(workers, 'worker')} of ${each}`}`;
}

/** Prints progress as text: a line per epoch or part of a fit and, on a terminal, a bar. */
function textRenderer(stream: ProgressStream, now: () => number): EventListener {
  let run = { epochs: '', steps: 0, done: 0, clock: new Clock(now), timeLimit: Infinity };
  const describeRun = (): string => run.clock.describe(run.done, run.steps, 'steps', run.timeLimit);
  let images: Clock | undefined;
  let reading: Clock | undefined;
  const stages = new Stages(now);
  const bar = new ProgressBar(stream);
  const say = (text: string): void => {
    bar.say(text);
  };
  return (event: DskdEvent) => {
    switch (event.type) {
      case 'training-start': {
        const { epochs, stepsPerEpoch, students, samples, timeLimit } = event;
        const steps = epochs * stepsPerEpoch;
        const timed = timeLimit !== undefined;
        run = {
          epochs: timed ? '' : `/${epochs}`,
          steps,
          done: 0,
          clock: new Clock(now),
          timeLimit: timeLimit ?? Infinity,
        };
        const length = timed
          ? `${formatDuration(timeLimit / 1000)}, ${stepsPerEpoch} steps in an epoch`
          : `${epochs} epochs, ${steps} steps`;
        say(`training ${students.join(' and ')} on ${samples} images: ${length}`);
        break;
      }
      case 'step-end': {
        run.done = event.step + 1;
        const text = `  ${losses(event.losses)}  ${describeRun()}`;
        if (run.timeLimit < Infinity) bar.show(`step ${run.done}${text}`, run.done, undefined);
        else bar.show(`${run.done}/${run.steps}${text}`, run.done, run.steps);
        break;
      }
      case 'epoch-end':
        say(
          `epoch ${event.epoch + 1}${run.epochs}: ${losses(event.losses)}` +
            `${event.heldOut ? `  held out: ${losses(event.heldOut)}` : ''}  ${describeRun()}`,
        );
        break;
      case 'checkpoint-saved':
        say(`checkpoint saved after step ${event.step}`);
        break;
      case 'held-out-error': {
        const clock = run.done > 0 ? `  ${describeRun()}` : '';
        say(`step ${event.step}: held-out error ${event.mean.toFixed(4)}  ${losses(event.levels)}${clock}`);
        break;
      }
      case 'fit-progress': {
        const { ended, shown } = stages.next(event);
        if (ended !== undefined) say(ended);
        bar.show(shown, event.done, event.total);
        break;
      }
      case 'branch-left-out':
        stages.leaveOut(event.branch);
        break;
      case 'image-read': {
        reading ??= new Clock(now);
        const { done, total } = event;
        bar.show(`read ${done}/${total}  ${reading.describe(done, total, 'images')}`, done, total);
        if (done === total) {
          say(`read ${total} images: ${reading.elapsed()}`);
          reading = undefined;
        }
        break;
      }
      case 'calibration-start': {
        const ended = stages.end();
        if (ended !== undefined) say(ended);
        say(`calibrating on ${event.samples} good images`);
        break;
      }
      case 'image-scored': {
        images ??= new Clock(now);
        const done = event.index + 1;
        const clock = images.describe(done, event.total, 'images');
        bar.show(`scored ${done}/${event.total}  ${clock}`, done, event.total);
        if (done === event.total) {
          images = undefined;
          bar.clear();
        }
        break;
      }
      case 'engine-chosen':
        say(`${describeEngine(event)}: ${event.reason}`);
        break;
      case 'warning':
        say(`${colored('warning:', 'yellow', stream)} ${event.message}`);
        break;
      case 'epoch-start':
      case 'training-end':
        break;
    }
  };
}

/** Prints the events of a long operation: as JSON lines on standard output, or as text on standard error. */
export function progressRenderer({
  json,
  stream = process.stderr,
  now = () => performance.now(),
}: ProgressOptions): EventListener {
  return json ? printJson : textRenderer(stream, now);
}

/** Counts finished items on a terminal: `drawn 12/180`. Prints nothing without one. */
export function countRenderer(verb: string, stream?: ProgressStream): (total: number) => void {
  const bar = new ProgressBar(stream);
  let done = 0;
  return (total) => {
    done++;
    bar.show(`${verb} ${done}/${total}`, done, total);
    if (done === total) bar.clear();
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
