import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  readGolden,
  TOLERANCES,
} from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { StateDict } from '@dskd/weights';
import { filledWeights } from '../backbones/golden.test.util.js';
import { backboneInfo, createBackbone } from '../backbones/index.js';
import { NetworkPlan } from '../layers/network-plan.js';
import { globalBottleneck, type Bottleneck } from './bottlenecks.js';
import { createStudent } from './create-student.js';
import { mapShapesOf, resolveStudentConfig, type StudentOptions } from './student-config.js';
import { loadState } from './student-state.js';
import { teacherStage4 } from './teacher-stage.js';

/** The bottleneck alone, before its GCCB, holding the teacher's stage. */
function bottleneckOf(options: StudentOptions, state: StateDict): { stage: Bottleneck; plan: NetworkPlan } {
  const config = resolveStudentConfig({ ...options, gccb: { variant: 'none' } });
  const plan = new NetworkPlan();
  const stage = globalBottleneck(plan, mapShapesOf(config), config.architecture);
  plan.allocate(1);
  // Not partial: the state must be everything that the stage is made of.
  loadState(plan.slots, state);
  return { stage, plan };
}

/** A file with the stage 4 of tools/golden/stage4.py. */
function goldenFile(options: StudentOptions): StateDict {
  const student = createStudent(options, { blank: true });
  const file: StateDict = new Map();
  for (const [name, variable] of [...student.parameters, ...student.buffers]) {
    if (!name.startsWith('bottleneck.')) continue;
    const short = name.slice('bottleneck.'.length);
    // tfjs's filters are [height, width, inputs, outputs].
    const { shape: kept } = variable;
    const shape = kept.length === 4 ? [kept[3]!, kept[2]!, kept[0]!, kept[1]!] : [...kept];
    file.set(short, { dtype: 'F32', shape, data: integerFill(short, shape) });
  }
  file.set('layer4.0.bn1.num_batches_tracked', { dtype: 'I64', shape: [], data: new BigInt64Array(1) });
  file.set('fc.weight', { dtype: 'F32', shape: [2], data: new Float32Array(2) });
  student.dispose();
  return file;
}

const GOLDEN: StudentOptions = {
  preset: 'paper',
  branch: 'global',
  levels: [
    { name: 'layer1', channels: 2, stride: 4 },
    { name: 'layer2', channels: 4, stride: 8 },
    { name: 'layer3', channels: 8, stride: 16 },
  ],
  inputSize: [144, 96],
  gccb: { channels: 4 },
};

describeBackends("the teacher's stage 4 as bottleneck", (backend) => {
  const relative = TOLERANCES[backend].network;
  let undo: () => void;
  beforeAll(() => (undo = registerWasmGradients()));
  afterAll(() => undo());

  test("computes what torchvision's blocks compute, in both modes", async () => {
    const golden = await readGolden(new URL('../../test/fixtures/stage4.safetensors', import.meta.url));
    await expectNoNewTensors(async () => {
      const state = teacherStage4('wide_resnet50_2', goldenFile(GOLDEN), GOLDEN);
      const { stage, plan } = bottleneckOf(GOLDEN, state);
      const shape: [number, number, number, number] = [4, 8, 9, 6];
      const feature = tf.tidy(() =>
        tf.transpose(tf.tensor4d(integerFill('feature', shape), shape), [0, 2, 3, 1]),
      );
      const inference = stage.apply([feature], { training: false, batchNormMomentum: 0.1 });
      const training = stage.apply([feature], { training: true, batchNormMomentum: 0.1 });
      expect(inference.shape).toEqual([...golden.array('inference').shape]);
      expectClose(await inference.data(), golden.array('inference').data, { relative });
      expectClose(await training.data(), golden.array('training').data, { relative });
      const running = plan.slots
        .filter(({ spec }) => !spec.trainable)
        .sort((a, b) => (a.spec.name < b.spec.name ? -1 : 1));
      const values = await Promise.all(running.map(({ variable }) => variable.data()));
      expectClose(
        values.flatMap((each) => [...each]),
        golden.array('running').data,
        { relative },
      );
      tf.dispose([feature, inference, training]);
      plan.dispose();
    });
  });

  test("goes on from the teacher's third level as the teacher does (ResNet-18, lite)", async () => {
    await expectNoNewTensors(async () => {
      const weights = filledWeights('resnet18', ['layer3', 'layer4']);
      const { levels } = backboneInfo('resnet18');
      const options: StudentOptions = { preset: 'lite', branch: 'global', levels, inputSize: [40, 24] };
      const teacher = createBackbone('resnet18', { weights, levels: ['layer3', 'layer4'] });
      const { stage, plan } = bottleneckOf(options, teacherStage4('resnet18', weights, options));
      const pictures = tf.tensor4d(integerFill('pictures.running_var', [2, 40, 24, 3]), [2, 40, 24, 3]);
      const [layer3, layer4] = await teacher.extract(pictures);
      const predicted = stage.apply([layer3!], { training: false, batchNormMomentum: 0.1 });
      expectClose(await predicted.data(), await layer4!.data(), { relative });
      tf.dispose([pictures, layer3!, layer4!, predicted]);
      teacher.dispose();
      plan.dispose();
    });
  });
});
