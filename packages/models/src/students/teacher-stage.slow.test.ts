import * as tf from '@tensorflow/tfjs';
import { expectClose, expectNoNewTensors, integerFill, TOLERANCES, useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { filledWeights } from '../backbones/golden.test.util.js';
import { backboneInfo, createBackbone } from '../index.js';
import type { StudentOptions } from './student-config.js';
import { teacherStage4 } from './teacher-stage.js';
import { bottleneckOf, INFERENCE } from './teacher-stage.test.util.js';

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
});

test("the student's stage goes on from the teacher's third level as the teacher does (ResNet-18, lite)", async () => {
  await expectNoNewTensors(async () => {
    const weights = filledWeights('resnet18', ['layer3', 'layer4']);
    const { levels } = backboneInfo('resnet18');
    const options: StudentOptions = { preset: 'lite', branch: 'global', levels, inputSize: [40, 24] };
    const teacher = createBackbone('resnet18', { weights, levels: ['layer3', 'layer4'] });
    const { stage, plan } = bottleneckOf(options, teacherStage4('resnet18', weights, options));
    const images = tf.tensor4d(integerFill('pictures.running_var', [2, 40, 24, 3]), [2, 40, 24, 3]);
    const [layer3, layer4] = await teacher.extract(images);
    const predicted = tf.tidy(() => stage.apply([layer3!], INFERENCE));
    expectClose(await predicted.data(), await layer4!.data(), { relative: TOLERANCES.wasm.network });
    tf.dispose([images, layer3!, layer4!, predicted]);
    teacher.dispose();
    plan.dispose();
  });
});
