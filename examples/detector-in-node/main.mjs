// Train a detector on a folder of good pictures, then ask it about others, without the command line:
//
//   node main.mjs GOOD_PICTURES SQUEEZENET_WEIGHTS OTHER_PICTURES [EPOCHS]
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { decodeImage, listImages, openFolder } from '@dskd/data/node';
import { trainDetector } from '@dskd/detector';
import { loadTeacherFile, workerRunnerFor } from '@dskd/detector/node';
import { registerWasmGradients } from '@dskd/wasm-gradients';

const [goodPictures, weights, otherPictures, epochs = '10'] = process.argv.slice(2);
if (!otherPictures) {
  console.error('node main.mjs GOOD_PICTURES SQUEEZENET_WEIGHTS OTHER_PICTURES [EPOCHS]');
  process.exit(2);
}

await selectBackend('wasm');
registerWasmGradients();

const teacher = await loadTeacherFile('squeezenet1_1', weights);
const detector = await trainDetector({
  source: await openFolder({ root: goodPictures }),
  teacher,
  inputSize: [64, 64],
  preset: 'nano',
  epochs: Number(epochs),
  reestimateBatchNorm: true,
  runner: workerRunnerFor(), // a thread for each student
});

for (const file of await listImages([otherPictures])) {
  const [prediction] = await detector.predict(await decodeImage(file));
  const { verdict, score, pValue, branches, regions } = prediction;
  const seenBy = Object.keys(branches).filter((name) => branches[name].anomalous);
  console.log(`${file}: ${verdict}, score ${score.toFixed(2)}, p ${pValue.toFixed(3)}`);
  if (verdict === 'anomalous')
    console.log(`  seen by ${seenBy.join(' and ') || 'both together'}`, regions[0].box);
}

detector.dispose();
teacher.dispose();
