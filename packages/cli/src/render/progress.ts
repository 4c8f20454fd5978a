import type { DskdEvent, EventListener } from '@dskd/base';
import { printJson } from '../output.js';

const BAR_WIDTH = 16;

function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  return minutes > 0 ? `${minutes}m${String(whole % 60).padStart(2, '0')}s` : `${whole}s`;
}

function losses(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${value.toPrecision(3)}`)
    .join('  ');
}

/** Rate and time left from steps done since this process began (a resumed run began in the middle). */
class Clock {
  readonly #start = performance.now();
  #first: number | undefined;

  describe(done: number, total: number): string {
    this.#first ??= done - 1;
    const elapsed = (performance.now() - this.#start) / 1000;
    const rate = (done - this.#first) / elapsed;
    return `${rate.toFixed(2)} steps/s, ${duration((total - done) / rate)} left`;
  }
}

/** A bar that rewrites its line on a terminal; lines for epochs elsewhere. Writes to standard error. */
function humanRenderer(isTerminal: boolean): EventListener {
  let totalSteps = 0;
  let clock = new Clock();
  const say = (text: string): void => {
    process.stderr.write(isTerminal ? `\r\x1b[2K${text}\n` : `${text}\n`);
  };
  const show = (text: string): void => {
    if (isTerminal) process.stderr.write(`\r\x1b[2K${text.slice(0, (process.stderr.columns || 80) - 1)}`);
  };
  return (event: DskdEvent) => {
    switch (event.type) {
      case 'training-start':
        totalSteps = event.epochs * event.stepsPerEpoch;
        clock = new Clock();
        say(
          `training ${event.students.join(' and ')} on ${event.samples} pictures: ${event.epochs} epochs, ${totalSteps} steps`,
        );
        break;
      case 'step-end': {
        const done = event.step + 1;
        const filled = Math.round((BAR_WIDTH * done) / totalSteps);
        const bar = '#'.repeat(filled).padEnd(BAR_WIDTH, '.');
        show(`[${bar}] ${done}/${totalSteps}  ${losses(event.losses)}  ${clock.describe(done, totalSteps)}`);
        break;
      }
      case 'epoch-end':
        say(`epoch ${event.epoch + 1}: ${losses(event.losses)}`);
        break;
      case 'checkpoint-saved':
        say(`checkpoint saved after step ${event.step}`);
        break;
      case 'calibration-start':
        say(`calibrating on ${event.samples} good pictures`);
        break;
      case 'image-scored':
        show(`scored ${event.index + 1}/${event.total}`);
        if (isTerminal && event.index + 1 === event.total) process.stderr.write('\r\x1b[2K');
        break;
      case 'warning':
        say(`warning: ${event.message}`);
        break;
      case 'epoch-start':
      case 'training-end':
        break;
    }
  };
}

/** What the user sees of a long call: JSON lines on standard output, or progress on standard error. */
export function progressRenderer({ json }: { json: boolean }): EventListener {
  return json ? printJson : humanRenderer(process.stderr.isTTY);
}
