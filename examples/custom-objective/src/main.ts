// Trains a detector whose local student learns an objective of one's own, the global one the paper's.
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { openSource } from '@dskd/data/node';
import { evaluateDetector, loadDetector, trainDetector } from '@dskd/detector';
import { TRAINING_DEFAULTS, type DskdConfig } from '@dskd/methods';
import { workerRunnerFor } from '@dskd/methods/node';
import { loadTeacher } from '@dskd/models';
import { writeDataset } from '@dskd/synthetic/node';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import './charbonnier.js'; // this thread measures with the objective, too

await selectBackend('wasm');
registerWasmGradients();

const counts = { train: 16, validation: 8, test: 12 };
const { folder } = await writeDataset('out', {
  category: 'tray',
  size: 128,
  seed: 7,
  ...counts,
  overwrite: true,
});
const source = await openSource({ root: folder });
const tiny = teacherTiny();
const teacher = await loadTeacher(tiny.name, await tiny.load());

const trained = await trainDetector({
  source,
  teacher,
  method: 'dskd',
  options: {
    preset: 'nano',
    epochs: Number(process.argv[2] ?? 20),
    batchSize: 8,
    reestimateBatchNorm: true,
    branches: {
      ...TRAINING_DEFAULTS.dskd.branches,
      local: {
        branch: 'local',
        objective: { name: 'charbonnier', options: { epsilon: 0.2 } },
        optimizer: { learningRate: 0.005 },
      },
    },
  },
  input: { size: [64, 64] },
  execution: { runner: workerRunnerFor({ modules: [new URL('./charbonnier.js', import.meta.url)] }) },
});

// The file names the objective; whoever loads it imports the module that registers it.
const detector = await loadDetector(trained.save());
const { fused, branches } = await evaluateDetector(detector, source);
// What the method keeps of its branches: here the objectives by name.
const { branches: students } = detector.description.config as unknown as Pick<DskdConfig, 'branches'>;
for (const { name: branch, objective } of students) {
  const { name, options } = objective;
  const { imageAuroc } = branches[branch]!;
  console.log(`${branch}: ${name} ${JSON.stringify(options)}, image AUROC ${imageAuroc.toFixed(2)}`);
}
console.log(`together: ${fused.imageAuroc.toFixed(2)}`);

for (const owner of [trained, detector, teacher]) owner.dispose();
