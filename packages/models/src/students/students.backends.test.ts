import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  readGolden,
  TOLERANCES,
  type Golden,
} from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { createStudent, type TrainableStudent } from './create-student.js';
import type { StudentOptions } from './student-config.js';
import { filledMaps, fillStudent, gradientsOf } from './students.test.util.js';

const golden: Golden = await readGolden(new URL('../../test/fixtures/students.safetensors', import.meta.url));
const BATCH = Number(golden.metadata.batch);
const SAMPLES = Number(golden.metadata.samples);
const CASES = JSON.parse(golden.metadata.cases!) as Record<string, StudentOptions & { names: number }>;

/** The entries that the generator stored of a tensor. */
function sample(values: ArrayLike<number>): number[] {
  const count = Math.min(SAMPLES, values.length);
  return Array.from({ length: count }, (_, i) => values[Math.floor((i * values.length) / count)]!);
}

/** Compares tensor by tensor, so that each is measured by its own largest entry. */
function expectSamples(name: string, tensors: readonly ArrayLike<number>[], relative: number): void {
  const wanted = golden.array(name).data;
  let offset = 0;
  for (const values of tensors) {
    const got = sample(values);
    expectClose(got, wanted.slice(offset, offset + got.length), { relative });
    offset += got.length;
  }
  expect(offset).toBe(wanted.length);
}

async function dataOf(tensors: Iterable<tf.Tensor>): Promise<Float32Array[]> {
  return Promise.all([...tensors].map(async (tensor) => (await tensor.data()) as Float32Array));
}

function byName<T>(map: ReadonlyMap<string, T>): T[] {
  return [...map.keys()].sort().map((name) => map.get(name)!);
}

describeBackends(
  'students against torch',
  (backend) => {
    const relative = TOLERANCES[backend].network;
    let undo: () => void;
    beforeAll(() => (undo = registerWasmGradients()));
    afterAll(() => undo());

    // The same kernels on other sizes: minutes of a software GPU.
    const OTHER_SIZES = /-(every-channel|paper)$|^local-(floor-sizes|equal-strides)$/;
    const cases = Object.entries(CASES).filter(([name]) => backend !== 'webgpu' || !OTHER_SIZES.test(name));

    test.each(cases)('%s', async (name, { names, ...options }) => {
      await expectNoNewTensors(async () => {
        const student: TrainableStudent = createStudent(options);
        await fillStudent(student);
        expect(student.parameters.size + student.buffers.size).toBe(names);
        const features = filledMaps(student, 'feature', BATCH);
        const factors = filledMaps(student, 'factor', BATCH);

        const inference = student.forward(features, { training: false });
        expectSamples(`${name}/inference`, await dataOf(inference), relative);
        const training = student.forward(features, { training: true, batchNormMomentum: 0 });
        expectSamples(`${name}/training`, await dataOf(training), relative);
        const gradients = gradientsOf(student, features, factors);
        expectSamples(`${name}/running`, await dataOf(byName(student.buffers)), relative);
        const torchLayout = createStudent(options);
        torchLayout.loadStateDict(await student.stateDict());
        for (const [parameter, gradient] of gradients)
          torchLayout.parameters.get(parameter)!.assign(gradient);
        const gradientState = await torchLayout.stateDict();
        const inOrder = [...student.parameters.keys()].sort().map((key) => gradientState.get(key)!);
        expectSamples(
          `${name}/gradients`,
          inOrder.map(({ data }) => data as Float32Array),
          relative,
        );

        tf.dispose([...features, ...factors, ...inference, ...training, ...gradients.values()]);
        student.dispose();
        torchLayout.dispose();
      });
    });
  },
  { cpu: 'slow' },
);
