import { leftFactorOf } from '../left-factor.js';
import { multiplyRows, type ProductInMemory } from '../multiply-rows.js';
import { panelFunctionsOnShared, type PanelFunctions } from '../panels.js';
import { computeLines, prepareRoom, type TileFunctions } from '../winograd/compute-lines.js';
import { transformationsOnShared } from '../winograd/transformations.js';
import { type ConvolutionJob, DONE, FINISHED, JOB, type ProductJob, readJob, takeBlock } from './job.js';

/** What a helper thread is given at its start. */
export interface HelperData {
  readonly memory: WebAssembly.Memory;
  /** See `job.ts`. */
  readonly control: Int32Array;
}

/**
 * For so many milliseconds it looks again and again before it sleeps: the next product often comes soon, and on a busy machine a thread
 * that sleeps is late.
 */
const AWAKE = 0.25;
const LOOKS = 1000;

/** Waits for the next job. @returns its number. */
function nextJob(control: Int32Array, previous: number): number {
  const start = performance.now();
  do {
    for (let look = 0; look < LOOKS; look++) {
      const job = Atomics.load(control, JOB);
      if (job !== previous) return job;
    }
  } while (performance.now() - start < AWAKE);
  Atomics.wait(control, JOB, previous);
  return Atomics.load(control, JOB);
}

type Compute = (rows: readonly [first: number, last: number]) => void;

function product(functions: PanelFunctions, heap: Float32Array, job: ProductJob): Compute {
  const { left, right, panelStride, adds, table, addresses, zeros, ...places } = job;
  const inMemory: ProductInMemory = {
    ...places,
    left: leftFactorOf(functions, left),
    right: { address: right, panelStride },
    adds: adds === 1,
    space: { heap, address: table, table: new Int32Array(heap.buffer, table, addresses), zeros },
  };
  return (rows) => void multiplyRows(functions, inMemory, rows);
}

function convolution(functions: TileFunctions, heap: Float32Array, job: ConvolutionJob): Compute {
  const { address, pointStride, panelStride, ...rest } = job;
  const inMemory = { ...rest, filter: { address, pointStride, panelStride }, room: job, heap };
  prepareRoom(inMemory);
  return (lines) => void computeLines(functions, inMemory, lines);
}

/** The blocks of the current job that nobody else takes. */
function work(functions: TileFunctions, heap: Float32Array, control: Int32Array): void {
  const job = readJob(control);
  const { first, last, blockRows } = job;
  const compute =
    job.kind === 'product' ? product(functions.panels, heap, job) : convolution(functions, heap, job);
  for (;;) {
    const block = takeBlock(control, 'first');
    if (block === undefined) return;
    const row = first + block * blockRows;
    compute([row, Math.min(row + blockRows, last)]);
    Atomics.add(control, DONE, 1);
  }
}

/**
 * The life of a helper thread: it computes parts of products, until the thread is ended.
 * @param onReady is called before it waits for the first one.
 */
export function help({ memory, control }: HelperData, onReady: () => void): never {
  const functions = {
    panels: panelFunctionsOnShared(memory),
    transformations: transformationsOnShared(memory),
  };
  const heap = new Float32Array(memory.buffer);
  onReady();
  for (let job = 0; ; ) {
    const next = nextJob(control, job);
    if (next === job) continue;
    job = next;
    work(functions, heap, control);
    Atomics.store(control, FINISHED, job);
  }
}
