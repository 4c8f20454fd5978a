import type { PullProgress } from '@dskd/weights/node';
import { formatDuration, type ProgressStream } from './progress.js';

const BAR_WIDTH = 16;
const REDRAW_MILLISECONDS = 100;
/** Elsewhere than on a terminal, a line for every so much. */
const LINES = 10;
const LINE_BYTES_OF_UNKNOWN = 2 ** 24;

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

/**
 * Shows a download: a bar that rewrites its line on a terminal, a line for every tenth elsewhere, each with
 * rate and time left.
 */
export class PullProgressView {
  readonly #name: string;
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  #attempt = 0;
  #start = { received: 0, time: 0 };
  #drawn = -Infinity;
  #line = 0;

  constructor(name: string, stream: ProgressStream = process.stderr, now = () => performance.now()) {
    this.#name = name;
    this.#stream = stream;
    this.#now = now;
  }

  update(progress: PullProgress): void {
    if (progress.problem !== undefined) {
      this.#say(`${this.#name}: ${progress.problem}; trying again`);
      return;
    }
    if (progress.attempt !== this.#attempt) this.#begin(progress);
    else if (this.#stream.isTTY) this.#redraw(progress);
    else this.#count(progress);
  }

  /** Clears the line that was being rewritten. */
  end(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[2K');
  }

  #begin({ received, total, attempt }: PullProgress): void {
    this.#attempt = attempt;
    this.#start = { received, time: this.#now() };
    this.#line = this.#lineOf(received, total);
    const size = total === undefined ? 'size unknown' : `${mebibytes(total)} MiB`;
    const there = received > 0 ? `, going on after ${mebibytes(received)}` : '';
    this.#say(`pulling ${this.#name} (${size}${there})`);
  }

  #redraw({ received, total }: PullProgress): void {
    const now = this.#now();
    if (now - this.#drawn < REDRAW_MILLISECONDS && received !== total) return;
    this.#drawn = now;
    const filled = total === undefined ? 0 : Math.round((BAR_WIDTH * received) / total);
    const bar = total === undefined ? '' : `[${'#'.repeat(filled).padEnd(BAR_WIDTH, '.')}] `;
    const text = `${bar}${this.#amount(received, total)}`;
    this.#stream.write(`\r\x1b[2K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`);
  }

  #count({ received, total }: PullProgress): void {
    const line = this.#lineOf(received, total);
    if (line === this.#line) return;
    this.#line = line;
    this.#say(`${this.#name}: ${this.#amount(received, total)}`);
  }

  #lineOf(received: number, total: number | undefined): number {
    return Math.floor(total === undefined ? received / LINE_BYTES_OF_UNKNOWN : (LINES * received) / total);
  }

  #amount(received: number, total: number | undefined): string {
    const seconds = (this.#now() - this.#start.time) / 1000;
    const rate = (received - this.#start.received) / seconds;
    const parts = [
      total === undefined ? `${mebibytes(received)} MiB` : `${mebibytes(received)}/${mebibytes(total)} MiB`,
    ];
    if (rate > 0 && Number.isFinite(rate)) {
      parts.push(`${mebibytes(rate)} MiB/s`);
      if (total !== undefined) parts.push(`${formatDuration((total - received) / rate)} left`);
    }
    return parts.join('  ');
  }

  #say(text: string): void {
    this.#stream.write(this.#stream.isTTY ? `\r\x1b[2K${text}\n` : `${text}\n`);
  }
}
