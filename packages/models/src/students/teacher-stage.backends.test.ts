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
import { createStudent } from './create-student.js';
import type { StudentOptions } from './student-config.js';
import { teacherStage4 } from './teacher-stage.js';
import { bottleneckOf, INFERENCE } from './teacher-stage.test.util.js';

/** A file with the stage 4 of tools/golden/stage4.py. */
function goldenFile(options: StudentOptions): StateDict {
  const student = createStudent(options, { blank: true });
  const file: StateDict = new Map();
  for (const [name, variable] of [...student.parameters, ...student.buffers]) {
    if (!name.startsWith('bottleneck.')) continue;
    const short = name.slice('bottleneck.'.length);
    // tfjs's filters are [height, width, inputs, outputs].
    const { shape: kept } = variable;
    const shape = kept.length === 4 ? [kept[3], kept[2], kept[0], kept[1]] : [...kept];
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
      const inference = tf.tidy(() => stage.apply([feature], INFERENCE));
      const training = tf.tidy(() => stage.apply([feature], { ...INFERENCE, training: true }));
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
});
