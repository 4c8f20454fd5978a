/**
 * tfjs-layers takes no arrays from another realm.
 * @jest-environment-options { "ownTfjs": true }
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { graphModel, layersModel } from './adapters/other-models.test.util.js';
import { fromTfjsModel } from './adapters/from-tfjs-model.js';
import { readTfjsModel } from './node.js';

let folder: string;
let file: string;

beforeAll(async () => {
  await useBackend('cpu');
  folder = await mkdtemp(path.join(tmpdir(), 'tfjs-model-'));
  file = path.join(folder, 'model.json');
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes a model as tfjs's converter lays it out: two weight files, in a folder. */
async function write(model: { save(handler: tf.io.IOHandler): Promise<tf.io.SaveResult> }): Promise<void> {
  const handler = tf.io.withSaveHandler(async ({ weightData, weightSpecs, modelTopology, format }) => {
    const bytes = new Uint8Array(weightData as ArrayBuffer);
    await mkdir(path.join(folder, 'weights'), { recursive: true });
    await writeFile(path.join(folder, 'weights/1.bin'), bytes.subarray(0, 100));
    await writeFile(path.join(folder, 'weights/2.bin'), bytes.subarray(100));
    const weightsManifest = [{ paths: ['weights/1.bin', 'weights/2.bin'], weights: weightSpecs }];
    await writeFile(file, JSON.stringify({ modelTopology, weightsManifest, format }));
    return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
  });
  await model.save(handler);
}

async function bytesOfFiles(): Promise<Uint8Array> {
  const names = ['model.json', 'weights/1.bin', 'weights/2.bin'];
  return Buffer.concat(await Promise.all(names.map((name) => readFile(path.join(folder, name)))));
}

test.each([
  ['layers', () => Promise.resolve(layersModel()), tf.loadLayersModel, fromTfjsModel],
  ['graph', () => graphModel(), tf.loadGraphModel, fromTfjsModel],
] as const)(
  'a %s model from files gives the features of the one that was saved',
  async (_, make, load, adapt) => {
    await expectNoNewTensors(async () => {
      const original = await make();
      await write(original);
      const { handler, sha256 } = await readTfjsModel(file);
      expect(sha256).toBe(
        createHash('sha256')
          .update(await bytesOfFiles())
          .digest('hex'),
      );
      const model = await load(handler);
      const images = tf.randomUniform<tf.Rank.R4>([1, 16, 16, 3], 0, 1, 'float32', 1);
      const features: Float32Array[][] = [];
      for (const one of [original, model]) {
        const extractor = await adapt(one as never, { inputSize: [16, 16] });
        const levels = await extractor.extract(images);
        features.push(await Promise.all(levels.map((level) => level.data<'float32'>())));
        tf.dispose(levels);
        extractor.dispose();
        one.dispose();
      }
      expect(features[0]).toHaveLength(2);
      expect(features[1]).toEqual(features[0]);
      images.dispose();
    });
  },
);

test('another weight gives another hash; errors name files that are missing or truncated', async () => {
  await write(await graphModel());
  const shard = path.join(folder, 'weights/2.bin');
  const bytes = await readFile(shard);
  const before = (await readTfjsModel(file)).sha256;
  bytes[5]! ^= 1;
  await writeFile(shard, bytes);
  expect((await readTfjsModel(file)).sha256).not.toBe(before);

  await writeFile(shard, bytes.subarray(1));
  await expect(readTfjsModel(file)).rejects.toMatchObject({
    code: 'weights-invalid',
    details: { got: bytes.length + 99, wanted: bytes.length + 100 },
  });
  await rm(shard);
  await expect(readTfjsModel(file)).rejects.toMatchObject({
    code: 'file-not-found',
    message: expect.stringContaining('2.bin') as string,
  });
  for (const text of ['not JSON', 'null', '{"modelTopology":{}}']) {
    await writeFile(file, text);
    await expect(readTfjsModel(file)).rejects.toMatchObject({ code: 'weights-invalid' });
  }
  await expect(readTfjsModel(path.join(folder, 'none.json'))).rejects.toMatchObject({
    code: 'file-not-found',
  });
});
