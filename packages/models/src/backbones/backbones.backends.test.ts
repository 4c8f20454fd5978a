import * as tf from '@tensorflow/tfjs';
import { describeBackends, expectClose, expectNoNewTensors, TOLERANCES } from '@dskd/test-support';
import { backboneGolden, expectGoldenFeatures, filledBackbone, noiseImages } from './golden.test.util.js';
import type { Backbone, BackboneName } from '../index.js';

const SUITES: [BackboneName, [number, number], string[] | undefined][] = [
  ['squeezenet1_1', [61, 96], undefined],
  ['resnet18', [61, 96], ['layer1', 'layer2', 'layer3', 'layer4']],
  ['resnet50_v1', [64, 48], undefined],
  ['teacher-tiny', [61, 96], undefined],
];

for (const [name, size, levels] of SUITES) {
  describeBackends(
    `backbone ${name}`,
    (backend) => {
      let backbone: Backbone;
      beforeAll(() => {
        backbone = filledBackbone(name, levels);
      });
      afterAll(() => {
        backbone.dispose();
      });

      test('gives the features of PyTorch', async () => {
        const golden = await backboneGolden();
        await expectNoNewTensors(() => expectGoldenFeatures(backbone, golden, noiseImages(2, ...size)));
      });

      test('the features of an image do not depend on its batch', async () => {
        const batch = noiseImages(3, 17, 24);
        const together = await backbone.extract(batch);
        for (let i = 0; i < 3; i++) {
          const alone = await backbone.extract(batch.slice([i, 0, 0, 0], [1, -1, -1, -1]));
          for (const [level, features] of alone.entries()) {
            const [got, wanted] = [features, together[level]!.slice([i, 0, 0, 0], [1, -1, -1, -1])];
            // Bit-equal, where the backend promises that much.
            const relative = backend === 'webgpu' ? TOLERANCES.webgpu.network : 0;
            expectClose(await got.data(), await wanted.data(), { relative });
          }
        }
      });

      test('does not change its input and leaks no tensors', async () => {
        const images = noiseImages(1, 32, 40);
        const before = tf.memory().numTensors;
        const features = await backbone.extract(images);
        expect(tf.memory().numTensors).toBe(before + backbone.levels.length);
        expect(features.map((level) => level.shape.slice(1))).toEqual(backbone.outputShapes([32, 40]));
        tf.dispose([...features, images]);
      });
    },
    { cpu: 'slow' },
  );
}
