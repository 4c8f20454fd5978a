// A training step of both lite students at 128 px, batch 16, from features of the teacher (which training keeps after the first
// epoch): a worker thread for each student, against PyTorch with two threads.
import { performance } from 'node:perf_hooks';
import * as tf from '@tensorflow/tfjs';
import { trainStudents } from '@dskd/training';
import { workerRunner } from '@dskd/training/node';
import { setUpStudent } from './step-set-up.mjs';
import { startPeer, takeTurns } from './turns.mjs';

const [SIZE, BATCH, STEPS] = [128, 16, 1];
const levelsOf = (names, channels) =>
  names.map((name, level) => ({ name, channels: channels[level], stride: 4 * 2 ** level }));
const TEACHERS = {
  'SqueezeNet teacher': {
    levels: levelsOf(['features.4', 'features.7', 'features.12'], [128, 256, 512]),
    wanted: 0.8,
  },
  'ResNet-50 teacher': { levels: levelsOf(['layer1', 'layer2', 'layer3'], [256, 512, 1024]), wanted: 1.2 },
};

/** Gives features of the right shapes: what they are does not change how long a step takes. */
function standIn(levels) {
  const features = levels.map(({ channels, stride }, level) =>
    tf.relu(tf.randomNormal([BATCH, SIZE / stride, SIZE / stride, channels], 0, 1, 'float32', level)),
  );
  return { name: 'stand-in', levels, extract: async () => features.map((each) => tf.clone(each)) };
}

/** Seconds from the first step to the last, of the clock and of the CPU in all threads. */
async function ownSteps(teacher, students) {
  const turn = {};
  let [begun, before] = [0, null];
  const { states } = await trainStudents({
    teacher,
    students,
    images: {
      length: BATCH,
      changesEachEpoch: false,
      batch: async (all) => tf.zeros([all.length, SIZE, SIZE, 3]),
    },
    epochs: STEPS + 1,
    batchSize: BATCH,
    seed: 1,
    onEvent({ type, step }) {
      if (type !== 'step-end') return;
      if (begun === 0) [begun, before] = [performance.now(), process.cpuUsage()];
      const { user, system } = process.cpuUsage(before);
      Object.assign(turn, {
        step,
        seconds: (performance.now() - begun) / 1000,
        cpuSeconds: (user + system) / 1e6,
      });
    },
  });
  if (states.length !== students.length) throw new Error('A student is missing.');
  return turn;
}

async function against(name, { levels, wanted }, rounds) {
  // The main thread has the teacher's features; students are in workers.
  await setUpStudent({ branch: 'local', levels, size: SIZE });
  const setUpModule = new URL('./step-set-up.mjs', import.meta.url);
  const students = await Promise.all(
    ['local', 'global'].map((branch) =>
      workerRunner({ name: branch, setUpModule, options: { branch, levels, size: SIZE } }),
    ),
  );
  const teacher = standIn(levels);
  const peer = await startPeer('step_torch.py', 2);
  await peer.ask({ ask: 'prepare', levels, size: SIZE, batch: BATCH });
  const times = await takeTurns(
    { own: () => ownSteps(teacher, students), peer: () => peer.ask({ ask: 'step', count: STEPS }) },
    { rounds },
  );
  peer.end();
  await Promise.all(students.map((student) => student.dispose()));
  return {
    row: {
      what: `training step, lite, ${name}, ${SIZE} px, batch ${BATCH}; 2 workers`,
      peer: 'torch, 2 threads',
      times,
      wanted,
    },
    torch: peer.about.torch,
  };
}

export async function measure(rounds = 5) {
  const rows = [];
  let torch = '';
  for (const [name, teacher] of Object.entries(TEACHERS)) {
    const measured = await against(name, teacher, rounds);
    rows.push(measured.row);
    torch = measured.torch;
  }
  return { torch, rows };
}
