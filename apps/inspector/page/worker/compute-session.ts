import { loadTeacher, type Teacher } from '@dskd/models';
import weights from '@dskd/teacher-tiny/weights/teacher-tiny.safetensors?url';
import type { BackendChoice, ComputeFacts, Note } from './api.js';
import { deviceLost, giveUpBackend, startBackend, threadFacts } from './compute.js';

class DeviceLost extends Error {}

/**
 * Owns the backend and the teacher, and does one thing at a time. Where the graphics device is lost, it goes on with wasm
 * and repeats what was being done.
 */
export class ComputeSession {
  #facts: ComputeFacts | undefined;
  #lost: Promise<never> = new Promise(() => undefined);
  #teacher: Promise<Teacher> | undefined;
  #tail: Promise<unknown> = Promise.resolve();

  /** @param onRestart brings back what was on the lost device, on the new backend. */
  constructor(
    private readonly onNote: (note: Note) => void,
    private readonly onRestart: () => Promise<void>,
  ) {}

  async start(choice: BackendChoice): Promise<ComputeFacts> {
    const facts = await startBackend(choice);
    this.#facts = facts;
    this.#lost = deviceLost().then(() => {
      throw new DeviceLost('The graphics device was lost.');
    });
    // Also when nothing is being done.
    this.#lost.catch(() => this.run(() => Promise.resolve()).catch(() => undefined));
    return facts;
  }

  async facts(): Promise<ComputeFacts> {
    const facts = this.#facts!;
    return { ...facts, ...(await threadFacts(facts.backend)) };
  }

  /** The embedded teacher on the current backend. It is loaded once. */
  teacher(): Promise<Teacher> {
    this.#teacher ??= fetch(weights)
      .then((response) => response.arrayBuffer())
      .then((bytes) => loadTeacher('teacher-tiny', new Uint8Array(bytes)));
    return this.#teacher;
  }

  /** Does `work` after everything that was asked before. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(() => this.#withDevice(work));
    this.#tail = result.catch(() => undefined);
    return result;
  }

  async #withDevice<T>(work: () => Promise<T>): Promise<T> {
    const lost = this.#lost;
    try {
      return await Promise.race([lost, work()]);
    } catch (error) {
      if (!(await isLost(lost))) throw error;
      await this.#restart();
      return work();
    }
  }

  async #restart(): Promise<void> {
    this.#teacher = undefined;
    giveUpBackend(this.#facts!.backend);
    const facts = await this.start('wasm');
    await this.onRestart();
    this.onNote({ type: 'device-lost', facts });
  }
}

/** Whether the device is lost now: a failed kernel may be noticed a moment before the loss is. */
async function isLost(lost: Promise<never>): Promise<boolean> {
  const pause = new Promise<'no'>((resolve) => {
    setTimeout(() => resolve('no'), 100);
  });
  return Promise.race([pause, lost]).then(
    () => false,
    () => true,
  );
}
