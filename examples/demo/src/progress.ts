import type { EventListener } from '@dskd/base';

/** Where progress is shown: standard error or, in a test, something like it. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** Lines of a training that has no terminal to rewrite one on. */
const LINES = 8;

const left = (start: number, done: number, total: number): string => {
  const seconds = Math.round(((performance.now() - start) / 1000 / done) * (total - done));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} left`;
};

/**
 * Shows what a detector does while it trains and scores: one line that rewrites itself on a terminal, a few
 * plain lines elsewhere.
 */
export class Progress {
  readonly #stream: ProgressStream;
  #run = { start: 0, steps: 1, epochs: 1 };
  #scoringSince: number | undefined;
  #stage: string | undefined;

  constructor(stream: ProgressStream) {
    this.#stream = stream;
  }

  say(text: string): void {
    this.#stream.write(`${this.#stream.isTTY ? '\r\x1b[2K' : ''}${text}\n`);
  }

  /** For the `onEvent` of trainDetector and evaluateDetector. */
  readonly listener: EventListener = (event) => {
    switch (event.type) {
      case 'training-start':
        this.#run = {
          start: performance.now(),
          steps: event.epochs * event.stepsPerEpoch,
          epochs: event.epochs,
        };
        break;
      case 'step-end': {
        const { start, steps } = this.#run;
        const done = event.step + 1;
        this.#rewrite(
          `  step ${done} of ${steps}, ${losses(event.losses)}, ${done > 2 ? left(start, done, steps) : ''}`,
        );
        break;
      }
      case 'epoch-end': {
        const { start, epochs } = this.#run;
        const done = event.epoch + 1;
        const due = done === epochs || done % Math.ceil(epochs / LINES) === 0;
        if (due)
          this.say(
            `  epoch ${done} of ${epochs}, mean ${losses(event.losses)}, ${left(start, done, epochs)}`,
          );
        break;
      }
      case 'image-scored': {
        this.#scoringSince ??= performance.now();
        this.#rewrite(
          `  ${event.index + 1} of ${event.total}, ${left(this.#scoringSince, event.index + 1, event.total)}`,
        );
        break;
      }
      case 'fit-progress': {
        const { stage, done, total } = event;
        if (stage !== this.#stage)
          this.say(stage === 'features' ? '  computing the features of the teacher' : `  fitting ${stage}`);
        this.#stage = stage;
        this.#rewrite(
          stage === 'features' ? `  ${done} of ${total}` : `  ${Math.round((100 * done) / total)} %`,
        );
        break;
      }
      case 'branch-left-out':
        this.say(`  ${event.branch} left out: the images do not suit it`);
        break;
      case 'warning':
        this.say(`  warning: ${event.message}`);
        break;
      case 'calibration-start':
        this.#scoringSince = undefined;
        this.say(`Calibrating on ${event.samples} good images that it has not seen.`);
        break;
      case 'image-read':
      case 'epoch-start':
      case 'checkpoint-saved':
      case 'held-out-error':
      case 'training-end':
        break;
    }
  };

  #rewrite(text: string): void {
    if (this.#stream.isTTY) this.#stream.write(`\r\x1b[2K${text}`);
  }
}

function losses(values: Readonly<Record<string, number>>): string {
  return `loss ${Object.entries(values)
    .map(([name, value]) => `${name} ${value.toPrecision(3)}`)
    .join(', ')}`;
}
