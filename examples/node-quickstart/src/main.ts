// Learns what good parts look like from a folder of images, saves that, and looks at other images.
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { listImages, openSource } from '@dskd/data/node';
import { loadTeacher, trainDetector } from '@dskd/detector';
import { predictFiles, saveDetectorFile, workerRunnerFor } from '@dskd/detector/node';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';

const [goodImages = 'out/tray/train/good', otherImages = 'out/tray/test', epochs = '20'] =
  process.argv.slice(2);

await selectBackend('wasm');
registerWasmGradients();
const tiny = teacherTiny(); // its weights are in the package
const teacher = await loadTeacher(tiny.name, await tiny.load());
const source = await openSource({ root: goodImages });
const runner = workerRunnerFor(); // a thread for each student
const size = { inputSize: [128, 128], preset: 'nano' } as const;
const time = { epochs: Number(epochs), batchSize: 8, reestimateBatchNorm: true, holdOutFraction: 0.25 };
const detector = await trainDetector({ source, teacher, runner, ...size, ...time });
await saveDetectorFile(detector, 'out/detector.safetensors'); // loadDetectorFile reads it, teacher and all
for await (const { source: file, prediction } of predictFiles(detector, await listImages([otherImages])))
  console.log(`${String(file)}: ${prediction.verdict}, p ${prediction.pValue.toFixed(3)}`);
detector.dispose();
teacher.dispose();
