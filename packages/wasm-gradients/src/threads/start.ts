import { describeValue, DskdError, type EventListener } from '@dskd/base';
import * as platform from '#platform';
import type { HelperThread } from './helper-thread.js';
import { setTeam, Team, team } from './team.js';

export interface WasmThreadsOptions {
  /** Threads that compute, the caller's included: 1 or more. */
  readonly threads: number;
  /** Is told as a `warning` when a helper thread ends by itself. Default: `console.warn`. */
  readonly onEvent?: EventListener;
}

/** Helper threads that were started. */
export interface WasmThreads {
  /** Threads that compute, the caller's included. 1 where memory cannot be shared, as in a page that is not isolated. */
  readonly threads: number;
  /** Products and convolutions so far of which a helper thread has computed a part. */
  readonly helped: number;
  /** Ends the helper threads, unless another caller of `startWasmThreads` uses them. Calling it again has no effect. */
  end(): Promise<void>;
}

/** The helpers of this thread, and how many use them. */
interface Running {
  readonly team: Team;
  readonly threads: readonly HelperThread[];
  users: number;
}

let running: Promise<Running> | undefined;

const warn: EventListener = (event) => {
  if (event.type === 'warning') console.warn(event.message);
};

/** What a test may replace. */
export type Platform = Pick<typeof platform, 'canShareMemory' | 'startHelper'>;

async function start(helpers: number, onEvent: EventListener, { startHelper }: Platform): Promise<Running> {
  const threads: HelperThread[] = [];
  let isStarting = true;
  let isEnding = false;
  try {
    const started = new Team(helpers);
    for (let i = 0; i < helpers; i++) {
      const helper = started.add();
      const thread = startHelper({ memory: started.memory, control: helper.control });
      threads.push({
        ...thread,
        end() {
          isEnding = true;
          return thread.end();
        },
      });
      // Waited for below, unless another one cannot even be made.
      thread.ready.catch(() => undefined);
      void thread.ended.then((reason) => {
        started.remove(helper);
        if (isStarting || isEnding) return;
        const left = started.helpers.length + 1;
        const rest = left === 1 ? 'one thread' : `${left} threads`;
        const message = `A helper thread of the wasm kernels has ended (${reason}). They go on with ${rest}.`;
        onEvent({ type: 'warning', message });
      });
    }
    await Promise.all(threads.map(({ ready }) => ready));
    isStarting = false;
    setTeam(started);
    return { team: started, threads, users: 0 };
  } catch (cause) {
    await Promise.all(threads.map((thread) => thread.end()));
    throw new DskdError(
      'worker-failed',
      `A helper thread of the wasm kernels did not start: ${String(cause)}`,
      {
        hint: 'A bundler must keep helper-browser.js, and a content security policy must allow workers (worker-src). Without startWasmThreads the kernels use one thread.',
        cause,
      },
    );
  }
}

/** {@link startWasmThreads} with what a test replaces. */
export async function startWasmThreadsWith(
  { threads, onEvent = warn }: WasmThreadsOptions,
  replaced: Platform,
): Promise<WasmThreads> {
  if (!Number.isInteger(threads) || threads < 1) {
    throw new DskdError('invalid-argument', `Got threads ${describeValue(threads)}, wanted 1 or more.`, {
      hint: 'Give the cores that this program may use: availableParallelism() of node:os, navigator.hardwareConcurrency.',
    });
  }
  if (threads === 1 || !replaced.canShareMemory()) {
    return { threads: 1, helped: 0, end: () => Promise.resolve() };
  }
  if (!running) {
    running = start(threads - 1, onEvent, replaced);
    running.catch(() => (running = undefined));
  }
  const used = await running;
  used.users++;
  let hasEnded = false;
  return {
    get threads() {
      return team() === used.team ? used.team.helpers.length + 1 : 1;
    },
    get helped() {
      return used.team.helped;
    },
    async end() {
      if (hasEnded) return;
      hasEnded = true;
      if (--used.users > 0) return;
      running = undefined;
      setTeam(undefined);
      await Promise.all(used.threads.map((thread) => thread.end()));
    },
  };
}

/**
 * Starts helper threads, with which the kernels of `registerWasmGradients` divide large matrix products and convolutions. The results
 * are the same bits as without them. Only the thread that calls this uses them. They share memory with it, up to 128 MiB and 16 MiB for each; so a
 * page must be isolated (COOP and COEP), else nothing is started. They do not keep a Node process alive.
 *
 * Threads that are running are shared: a second call starts none, whatever number it asks for.
 *
 * @returns the threads; who called this calls `end`.
 * @throws {DskdError} `invalid-argument`; `worker-failed` if a thread does not start.
 */
export function startWasmThreads(options: WasmThreadsOptions): Promise<WasmThreads> {
  return startWasmThreadsWith(options, platform);
}
