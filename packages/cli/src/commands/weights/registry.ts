import { stat } from 'node:fs/promises';
import { findWeights, WEIGHTS, type WeightsEntry } from '@dskd/weights';
import { pullWeights, weightsPath, type PullProgress } from '@dskd/weights/node';
import { formatTable, printJson, printLine } from '../../output/print.js';
import { formatDuration, ProgressBar, type ProgressStream } from '../../output/progress.js';

export interface ListWeightsOptions {
  readonly json?: boolean;
  /** Cache folder, where it is not the default one. */
  readonly cache?: string | undefined;
}

/** Prints the weights that are known by name, and which of them have been downloaded. */
export async function listWeights({ json, cache }: ListWeightsOptions): Promise<void> {
  const entries = await Promise.all(
    WEIGHTS.map(async (entry) => {
      const path = weightsPath(entry, cache === undefined ? {} : { cacheFolder: cache });
      const present = await stat(path).then(
        (found) => found.isFile(),
        () => false,
      );
      return { ...entry, path, present };
    }),
  );
  if (json) {
    printJson(entries);
    return;
  }
  printLine(
    formatTable(
      ['name', 'backbone', 'MiB', 'here', 'license', 'source'],
      entries.map(({ name, backbone, mebibytes, present, license, source }) => [
        name,
        backbone,
        String(mebibytes),
        present ? 'yes' : 'no',
        license.spdx,
        source,
      ]),
    ),
  );
  printLine();
  for (const note of new Set(entries.map(({ license }) => license.note))) printLine(note);
}

export interface PullWeightsCommandOptions extends ListWeightsOptions {
  /** URL of a folder that contains the files. */
  readonly mirror?: string | undefined;
}

/** Downloads the weights of that name unless they are in the cache. */
export async function pullWeightsByName(
  name: string,
  options: PullWeightsCommandOptions,
  signal?: AbortSignal,
): Promise<void> {
  await pullEntry(findWeights(name), options, signal);
}

/** Downloads weights unless they are in the cache. Progress goes to standard error, the result to standard output. */
export async function pullEntry(
  entry: WeightsEntry,
  { json, cache, mirror }: PullWeightsCommandOptions,
  signal?: AbortSignal,
): Promise<void> {
  const { name, backbone, license, source } = entry;
  const view = json ? undefined : new PullProgressView(name);
  const pulled = await pullWeights(entry, {
    ...(signal && { signal }),
    ...(cache !== undefined && { cacheFolder: cache }),
    ...(mirror !== undefined && { mirror }),
    onProgress: (progress) => view?.update(progress),
  }).finally(() => view?.end());
  if (json) {
    printJson({ type: 'weights-pulled', name, ...pulled, backbone, license });
    return;
  }
  printLine(`${pulled.fromCache ? 'here already' : 'pulled'}: ${pulled.path}`);
  printLine(`${mebibytes(pulled.bytes)} MiB, SHA-256 ${pulled.sha256}`);
  printLine(`for the backbone ${backbone}, from ${source}`);
  printLine(`${license.spdx}: ${license.note}`);
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

/** Without a terminal, a line is printed for every tenth or, if the size is unknown, for every 16 MiB. */
const LINES = 10;
const LINE_BYTES = 2 ** 24;

/** Shows a download with rate and time left: as a bar on a terminal, as lines elsewhere. */
export class PullProgressView {
  readonly #name: string;
  readonly #bar: ProgressBar;
  readonly #now: () => number;
  #attempt = 0;
  #start = { received: 0, time: 0 };
  #line = 0;

  constructor(name: string, stream?: ProgressStream, now = () => performance.now()) {
    this.#name = name;
    this.#bar = new ProgressBar(stream);
    this.#now = now;
  }

  update(progress: PullProgress): void {
    const { received, total, problem, attempt } = progress;
    if (problem !== undefined) this.#bar.say(`${this.#name}: ${problem}; trying again`);
    else if (attempt !== this.#attempt) this.#begin(progress);
    else if (this.#bar.isTerminal) this.#bar.show(this.#amount(received, total), received, total);
    else this.#count(received, total);
  }

  /** Removes the bar. */
  end(): void {
    this.#bar.clear();
  }

  #begin({ received, total, attempt }: PullProgress): void {
    this.#attempt = attempt;
    this.#start = { received, time: this.#now() };
    this.#line = this.#lineOf(received, total);
    const size = total === undefined ? 'size unknown' : `${mebibytes(total)} MiB`;
    const resumed = received > 0 ? `, resuming after ${mebibytes(received)}` : '';
    this.#bar.say(`pulling ${this.#name} (${size}${resumed})`);
  }

  #count(received: number, total: number | undefined): void {
    const line = this.#lineOf(received, total);
    if (line === this.#line) return;
    this.#line = line;
    this.#bar.say(`${this.#name}: ${this.#amount(received, total)}`);
  }

  #lineOf(received: number, total: number | undefined): number {
    return Math.floor(total === undefined ? received / LINE_BYTES : (LINES * received) / total);
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
}
