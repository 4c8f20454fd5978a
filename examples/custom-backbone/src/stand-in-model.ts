// In place of your model: four convolutions of random weights, in the files that tfjs's converter writes, too.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';

/** Writes `model.json` and `weights.bin` into `folder`; returns the path of `model.json`. */
export async function writeStandInModel(folder: string): Promise<string> {
  const block = (name: string, filters: number, seed: number) => ({
    name,
    filters,
    kernelSize: 3,
    strides: 2,
    padding: 'same' as const,
    activation: 'relu' as const,
    kernelInitializer: tf.initializers.heNormal({ seed }),
  });
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ ...block('stem', 16, 1), inputShape: [null, null, 3] }),
      tf.layers.conv2d(block('block1', 24, 2)), // stride 4
      tf.layers.conv2d(block('block2', 32, 3)), // 8
      tf.layers.conv2d(block('block3', 48, 4)), // 16
    ],
  });
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, 'model.json');
  const toFiles = tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData, format }) => {
    const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
    await writeFile(path.join(folder, 'weights.bin'), new Uint8Array(weightData as ArrayBuffer));
    await writeFile(file, JSON.stringify({ format, modelTopology, weightsManifest }));
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  });
  await model.save(toFiles);
  model.dispose();
  return file;
}
