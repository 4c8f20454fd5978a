import * as tf from '@tensorflow/tfjs';
import { useBackend } from '@dskd/test-support';
import type { Alternative, FitPlan } from '../contract.js';
import { describedTeacher } from './described-teacher.test.util.js';
import { alternatives, estimateCost } from './memory.js';
import { dskdMethod, rdMethod } from './method.js';
import { dskdOptions, paperOptions, rdOptions, type DskdOptions } from './options.js';

const GIBIBYTE = 2 ** 30;

beforeAll(() => useBackend('wasm'));

/** A fit of the paper's recipe on 360 images, which vary. */
function plan(changes: Partial<FitPlan> = {}): FitPlan {
  return {
    images: 360,
    inputSize: [256, 256],
    teacher: describedTeacher('wide_resnet50_2'),
    seed: 1,
    imagesChange: true,
    execution: {},
    ...changes,
  };
}

function paper(changes: Partial<DskdOptions> = {}): DskdOptions {
  return { ...paperOptions(), ...changes };
}

/** A runner that must not be made; that there is one means a heap for each student. */
const runner = (): never => {
  throw new Error('A student was made.');
};
const threaded = plan({ execution: { runner } });

function fits(given: FitPlan, options: DskdOptions, availableBytes = Infinity): boolean {
  const { memory } = estimateCost(given, options);
  return memory.exceeded.length === 0 && memory.total <= availableBytes;
}

test('the paper recipe does not fit on wasm; what would is said, each kind once', () => {
  const { memory, bytes } = estimateCost(plan(), paper());
  expect(memory.exceeded.join('\n')).toContain("the heap 'main' needs");
  expect(bytes).toBe(memory.total);
  const said = alternatives(plan(), paper(), Infinity);
  expect(said).toContainEqual({ kind: 'preset', value: 'lite' });
  expect(said).toContainEqual({ kind: 'backend', value: 'webgpu' });
  expect(said).toContainEqual({ kind: 'input-size', value: [64, 64] });
  expect(new Set(said.map(({ kind }) => kind)).size).toBe(said.length);
});

test('what is said to fit does fit, and what is not said does not', () => {
  const said = alternatives(plan(), paper(), Infinity);
  const find = (kind: Alternative['kind']): Alternative | undefined =>
    said.find((each) => each.kind === kind);
  const { local, global } = paperOptions().branches;
  expect(find('worker-threads') !== undefined).toBe(fits(threaded, paper()));
  expect(find('preset')?.value === 'lite').toBe(fits(plan(), paper({ preset: 'lite', gccb: undefined })));
  expect(find('branches-apart') !== undefined).toBe(
    fits(plan(), paper({ branches: { local: local! } })) &&
      fits(plan(), paper({ branches: { global: global! } })),
  );
  expect(find('batch-size') !== undefined).toBe(fits(plan(), paper({ batchSize: 2 })));
  const size = find('input-size')?.value as readonly number[] | undefined;
  expect(size?.[0] === 128).toBe(fits(plan({ inputSize: [128, 128] }), paper()));
});

test('the smallest change of its kind that helps is the one that is said', () => {
  const options = paper({ preset: 'lite', gccb: undefined, batchSize: 512 });
  expect(fits(plan(), options)).toBe(false);
  const said = alternatives(plan(), options, Infinity);
  const batch = said.find(({ kind }) => kind === 'batch-size')!.value as number;
  expect(fits(plan(), { ...options, batchSize: batch })).toBe(true);
  expect(fits(plan(), { ...options, batchSize: 2 * batch })).toBe(false);
});

test('one student apart is not offered where there is only one', () => {
  const { global } = paperOptions().branches;
  const kinds = alternatives(plan(), paper({ branches: { global: global! } }), Infinity).map(
    ({ kind }) => kind,
  );
  expect(kinds).not.toContain('branches-apart');
  const rd = rdMethod.alternatives!(plan(), rdOptions.parse(rdMethod.profiles.paper), GIBIBYTE);
  expect(rd.map(({ kind }) => kind)).not.toContain('branches-apart');
});

test('threads are not offered where each student has one already', () => {
  const kinds = alternatives(threaded, paper({ batchSize: 256 }), Infinity).map(({ kind }) => kind);
  expect(kinds).not.toContain('worker-threads');
});

test('the memory of the machine counts where it is known', () => {
  const lite = paper({ preset: 'lite', gccb: undefined });
  const { memory } = estimateCost(plan(), lite);
  expect(fits(plan(), lite)).toBe(true);
  expect(fits(plan(), lite, memory.total)).toBe(true);
  expect(fits(plan(), lite, memory.total - 1)).toBe(false);
  const kinds = alternatives(plan(), paper(), GIBIBYTE / 4).map(({ kind }) => kind);
  expect(kinds).not.toContain('backend');
  expect(alternatives(plan(), paper(), 1)).toEqual([]);
});

test('features of varied images are not kept', () => {
  const host = (given: FitPlan): number =>
    estimateCost(given, paper()).memory.parts.find(({ heap }) => heap === 'host')!.bytes;
  expect(host(plan())).toBe(0);
  expect(host(plan({ imagesChange: false }))).toBe(GIBIBYTE);
});

test('a tensor that a WebGPU device cannot take in one is told, and fewer channels are offered', () => {
  const wide = paper({ preset: 'lite', gccb: { channels: 768 } });
  expect(fits(threaded, wide)).toBe(true);
  const backend = tf.backend() as { device?: unknown };
  backend.device = { limits: { maxStorageBufferBindingSize: 2 ** 27 } };
  try {
    expect(estimateCost(threaded, wide).memory.exceeded.join('\n')).toContain(
      'one tensor of global needs 0.14 GiB, this device takes at most 0.13 GiB in one',
    );
    expect(alternatives(threaded, wide, Infinity)).toContainEqual({ kind: 'gccb-channels', value: 512 });
  } finally {
    delete backend.device;
  }
});

test('steps are those of all epochs, with the least of them where the options do not say', () => {
  expect(estimateCost(plan(), paper({ epochs: 3 })).steps).toBe(3 * Math.ceil(360 / 16));
  const { steps } = estimateCost(plan({ images: 8 }), dskdOptions.parse({}));
  expect(steps).toBeGreaterThanOrEqual(100);
});

test('rd needs less than dskd, and nothing is allocated to find that', () => {
  const before = tf.memory();
  const both = dskdMethod.estimate(plan(), dskdOptions.parse({}));
  const local = rdMethod.estimate(plan(), rdOptions.parse({}));
  expect(local.bytes).toBeLessThan(both.bytes);
  expect(tf.memory()).toEqual(before);
});
