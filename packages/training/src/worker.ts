// The entry of a student's worker thread: asks the set-up module for the student, then does what it is told,
// one call after another.
import { parentPort, workerData } from 'node:worker_threads';
import { inProcessRunner } from './in-process-runner.js';
import type { StudentRunner } from './student-runner.js';
import type { StudentTask } from './student-task.js';
import {
  NOTHING,
  perform,
  postableError,
  type Outcome,
  type WorkerAnswer,
  type WorkerRequest,
  type WorkerSetUp,
} from './worker-protocol.js';

type SetUpStudent = (options: unknown) => Promise<StudentTask> | StudentTask;

async function setUp({ name, setUpModule, options }: WorkerSetUp): Promise<StudentRunner> {
  const module = (await import(setUpModule)) as { setUpStudent?: SetUpStudent; default?: SetUpStudent };
  const setUpStudent = module.setUpStudent ?? module.default;
  if (typeof setUpStudent !== 'function') {
    throw new Error(`${setUpModule} exports no function 'setUpStudent' (or default).`);
  }
  return inProcessRunner({ ...(await setUpStudent(options)), name });
}

const port = parentPort;
if (!port) throw new Error('This module is the entry of a worker thread.');

async function answer(id: number, work: () => Promise<Outcome>): Promise<void> {
  try {
    const { value, transfer } = await work();
    port!.postMessage({ id, value } satisfies WorkerAnswer, [...transfer]);
  } catch (error) {
    port!.postMessage({ id, error: postableError(error) } satisfies WorkerAnswer);
  }
}

let runner: StudentRunner | undefined;
await answer(0, async () => {
  runner = await setUp(workerData as WorkerSetUp);
  return NOTHING;
});

let last = Promise.resolve();
port.on('message', ({ id, call }: WorkerRequest) => {
  last = last.then(() => answer(id, () => perform(call, runner!)));
});
