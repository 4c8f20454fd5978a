import * as tf from '@tensorflow/tfjs';
import { isDskdError } from '@dskd/base';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { createStudent, summarizeStudent } from './create-student.js';
import type { StudentOptions } from './student-config.js';
import { filledMaps, gradientsOf, REGISTRY, smallOptions, smallStudent } from './students.test.util.js';

let undo: () => void;
beforeAll(async () => {
  await useBackend('wasm');
  undo = registerWasmGradients();
});
afterAll(() => undo());

const SIZES: readonly [number, number][] = [
  [128, 128],
  [256, 256],
  [320, 192],
  [100, 100],
];
const SQUEEZENET = [128, 256, 512].map((channels, i) => ({
  name: `level${i + 1}`,
  channels,
  stride: 4 * 2 ** i,
}));
const WIDE_RESNET = [256, 512, 1024].map((channels, i) => ({
  name: `layer${i + 1}`,
  channels,
  stride: 4 * 2 ** i,
}));

/** Bytes of buffers in the backend from now on; tf.memory() counts shared ones once per tensor. */
function backendBytes(): { held(): number; stop(): void } {
  const storage = (tf.backend() as unknown as { dataIdMap: Map<object, { shape: number[] }> }).dataIdMap;
  const sizes = new Map<object, number>();
  const set = storage.set.bind(storage);
  const remove = storage.delete.bind(storage);
  storage.set = (id, data) => {
    sizes.set(id, 4 * data.shape.reduce((product, side) => product * side, 1));
    return set(id, data);
  };
  storage.delete = (id) => {
    sizes.delete(id);
    return remove(id);
  };
  return {
    held: () => [...sizes.values()].reduce((sum, size) => sum + size, 0),
    stop: () => ['set', 'delete'].forEach((method) => Reflect.deleteProperty(storage, method)),
  };
}

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return isDskdError(error) ? error.code : String(error);
  }
}

describe.each(REGISTRY)('$title', (entry) => {
  test.each(SIZES)('predicts the shapes of its features at %ix%i', async (height, width) => {
    await expectNoNewTensors(() => {
      const student = smallStudent(entry, [height, width]);
      const features = filledMaps(student, 'feature', 1);
      const outputs = student.forward(features, { training: false });
      expect(features[0]!.shape).toEqual([1, Math.ceil(height / 4), Math.ceil(width / 4), 4]);
      expect(outputs.map(({ shape }) => shape)).toEqual(features.map(({ shape }) => shape));
      tf.dispose([...features, ...outputs]);
      student.dispose();
    });
  });

  test('a gradient reaches every trainable weight, and training updates every running statistic', async () => {
    await expectNoNewTensors(async () => {
      const student = smallStudent(entry, [100, 84]);
      const features = filledMaps(student, 'feature', 3);
      const factors = filledMaps(student, 'factor', 3);
      const gradients = gradientsOf(student, features, factors);
      expect(gradients.size).toBe(student.parameters.size);
      for (const [name, gradient] of gradients) {
        const largest = Math.max(...(await gradient.data()).map(Math.abs));
        expect([name, Number.isFinite(largest) && largest > 0]).toEqual([name, true]);
      }
      for (const [name, buffer] of student.buffers) {
        const initial = name.endsWith('running_var') ? 1 : 0;
        expect([name, (await buffer.data()).every((value) => value !== initial)]).toEqual([name, true]);
      }
      tf.dispose([...features, ...factors, ...gradients.values()]);
      student.dispose();
    });
  });

  test('its JSON configuration makes the same student again, bit for bit', async () => {
    const student = smallStudent(entry, [64, 64]);
    const again = createStudent(JSON.parse(JSON.stringify(student.config)) as StudentOptions);
    const state = await student.stateDict();
    expect(await again.stateDict()).toEqual(state);
    const blank = createStudent(student.config, { blank: true });
    expect(await blank.stateDict()).not.toEqual(state);
    blank.loadStateDict(state);
    expect(await blank.stateDict()).toEqual(state);
    for (const each of [student, again, blank]) each.dispose();
  });
});

describe('costs', () => {
  test('paper with Wide-ResNet-50-2: 289 M parameters in both students', () => {
    const [local, global] = (['local', 'global'] as const).map((branch) =>
      summarizeStudent({ preset: 'paper', branch, levels: WIDE_RESNET, inputSize: [256, 256] }),
    );
    // RD4AD's BN_layer as used and decoder; layer4, GCCB (2 x 64 g^2 + 2 x 2048 g + batch norms), decoder.
    expect(local!.parameters).toBe(83_802_624);
    expect(global!.parameters).toBe(205_309_440);
    expect(Math.round((local!.parameters + global!.parameters) / 1e6)).toBe(289);
    // The GCCB's two matrices of 64 g x g; the decoder's last maps of 64 x 64 x 256.
    expect(global!.largestParameterBytes).toBe(4 * 64 * 1024 ** 2);
    expect(global!.largestMapBytesPerImage).toBe(4 * 64 ** 2 * 256);
    // 7.31 + 11.14 and 2.89 + 11.14 + 0.14 + the GCCB's 1x1 convolutions 0.27 (hence "0.4").
    expect(local!.gmac).toBeCloseTo(18.45, 1);
    expect(global!.gmac).toBeCloseTo(14.43, 1);
  });

  test('nano with SqueezeNet at 128 px: both students and a step take at most 2.2 GFLOP an image', () => {
    const summaries = (['local', 'global'] as const).map((branch) =>
      summarizeStudent({ preset: 'nano', branch, levels: SQUEEZENET, inputSize: [128, 128] }),
    );
    // A multiply-add is 2 FLOP; the backward pass computes two products for each of the forward pass.
    const gigaflops = summaries.map(({ gmac }) => gmac * 2 * 3);
    expect(gigaflops[0]).toBeCloseTo(0.655, 2);
    expect(gigaflops[1]).toBeCloseTo(0.507, 2);
    expect(gigaflops[0]! + gigaflops[1]!).toBeLessThan(2.2);
  });

  test('multiply-adds by hand: nano, local', () => {
    const fusion = 256 * 9 * 128 * 32 + 64 * 9 * 32 * 64 + 64 * 9 * 256 * 64;
    const embedding = 16 * 9 * (640 + 256) * 256 + 16 * 640 * 256;
    const stage = (positions: number, inputs: number, outputs: number): number =>
      2 * positions * inputs * 4 * outputs + 4 * positions * 9 * outputs * outputs;
    const decoder = stage(16, 256, 128) + stage(64, 128, 64) + stage(256, 64, 32);
    const heads = 64 * 128 * 512 + 256 * 64 * 256 + 1024 * 32 * 128;
    const { gmac } = summarizeStudent({
      preset: 'nano',
      branch: 'local',
      levels: SQUEEZENET,
      inputSize: [128, 128],
    });
    expect(gmac * 1e9).toBeCloseTo(fusion + embedding + decoder + heads, 0);
  });

  test.each(REGISTRY)('$title: the activations that a step keeps match the summary', (entry) => {
    const student = smallStudent(entry, [128, 128]);
    const features = filledMaps(student, 'feature', 4);
    let kept = 0;
    const bytes = backendBytes();
    const before = bytes.held();
    const { value, grads } = tf.variableGrads(() => {
      const outputs = student.forward(features, { training: true });
      kept = bytes.held() - before;
      return tf.addN(outputs.map((y) => tf.sum(y)));
    }, [...student.parameters.values()]);
    bytes.stop();
    tf.dispose([value, grads, ...features]);
    const promised = 4 * student.summary().activationBytesPerImage;
    expect(kept / promised).toBeGreaterThan(0.85);
    expect(kept / promised).toBeLessThan(1.05);
    student.dispose();
  });

  test('the summary prints every layer and the totals', () => {
    const text = summarizeStudent({
      preset: 'lite',
      branch: 'global',
      levels: SQUEEZENET,
      inputSize: [128, 128],
    }).toString();
    expect(text).toContain('bottleneck.layer4.0.conv1');
    expect(text).toContain('gccb.condense');
    expect(text).toContain('decoder.head3');
    expect(text).toMatch(/15\.94 M parameters, 0\.577 GMAC and 5\.\d MiB of activations an image$/);
  });
});

describe('initial weights', () => {
  test("follow torch's distributions", async () => {
    const student = createStudent({
      preset: 'nano',
      branch: 'global',
      levels: SQUEEZENET,
      inputSize: [128, 128],
    });
    const state = await student.stateDict();
    const spread = (name: string): number => {
      const data = state.get(name)!.data as Float32Array;
      return Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);
    };
    const largest = (name: string): number =>
      (state.get(name)!.data as Float32Array).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    // kaiming-normal, fan_out = 256 * 9
    expect(spread('bottleneck.layer4.0.conv1.weight') / Math.sqrt(2 / (256 * 9))).toBeCloseTo(1, 2);
    // kaiming-uniform (a = sqrt 5) of a transposed convolution, fan = 128 * 4
    const bound = 1 / Math.sqrt(128 * 4);
    expect(largest('decoder.layer1.0.conv1.weight')).toBeLessThanOrEqual(Math.fround(bound));
    expect(spread('decoder.layer1.0.conv1.weight') / (bound / Math.sqrt(3))).toBeCloseTo(1, 2);
    expect(largest('decoder.head1.bias')).toBeLessThanOrEqual(Math.fround(1 / Math.sqrt(32)));
    expect(new Set(state.get('decoder.layer1.0.bn1.weight')!.data as Float32Array)).toEqual(new Set([1]));
    student.dispose();
  });

  test('depend on the seed', async () => {
    const options = smallOptions(REGISTRY[0]!, [64, 64]);
    const [one, two] = [createStudent({ ...options, seed: 1 }), createStudent({ ...options, seed: 2 })];
    expect(await one.stateDict()).not.toEqual(await two.stateDict());
    one.dispose();
    two.dispose();
  });
});

describe('state', () => {
  test("takes RD4AD's two state dicts by prefix, and leaves out what it never uses", async () => {
    const options = smallOptions(REGISTRY[0]!, [64, 64]);
    const [from, to] = [createStudent({ ...options, seed: 1 }), createStudent({ ...options, seed: 2 })];
    const state = await from.stateDict();
    for (const prefix of ['bottleneck.', 'decoder.']) {
      const half = new Map(
        [...state]
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, entry]) => [name.slice(prefix.length), entry] as const),
      );
      half.set('bn1.num_batches_tracked', { dtype: 'I64', shape: [], data: new BigInt64Array(1) });
      if (prefix === 'bottleneck.') {
        half.set('conv4.weight', { dtype: 'F32', shape: [1, 1, 1, 1], data: new Float32Array(1) });
      }
      to.loadStateDict(half, { prefix, partial: true });
    }
    expect(await to.stateDict()).toEqual(state);
    from.dispose();
    to.dispose();
  });

  test('an error lists everything that does not fit, and no parameter changes', async () => {
    const student = smallStudent(REGISTRY[0]!, [64, 64]);
    const before = await student.stateDict();
    const state = new Map(before);
    state.set('decoder.layer9.weight', { dtype: 'F32', shape: [1], data: new Float32Array(1) });
    state.set('bottleneck.bn1.weight', { dtype: 'F32', shape: [1], data: new Float32Array(1) });
    state.delete('bottleneck.bn1.bias');
    expect(() => student.loadStateDict(state)).toThrow(/bn1\.weight.*layer9.*bn1\.bias/s);
    expect(codeOf(() => student.loadStateDict(state))).toBe('weights-mismatch');
    expect(await student.stateDict()).toEqual(before);
    student.dispose();
  });
});

describe('errors', () => {
  const options = smallOptions(REGISTRY[0]!, [64, 64]);
  const withStrides = (strides: number[]): StudentOptions => ({
    ...options,
    levels: options.levels.map((level, index) => ({ ...level, stride: strides[index]! })),
  });

  test.each([
    ['a stride ratio of 4', withStrides([4, 16, 32])],
    ['levels from deep to shallow', withStrides([16, 8, 4])],
    ['no levels', { ...options, levels: [] }],
    ['an unknown preset', { ...options, preset: 'huge' as 'lite' }],
    ['an unknown branch', { ...options, branch: 'both' as 'local' }],
    ['an unknown GCCB', { ...options, branch: 'global' as const, gccb: { variant: 'wide' as 'full' } }],
    ['no GCCB channels', { ...options, branch: 'global' as const, gccb: { channels: 0 } }],
    ['GCCB options for the local branch', { ...options, gccb: { channels: 8 } }],
    ['half a pixel', { ...options, inputSize: [64.5, 64] as const }],
    ['map sizes that do not halve', { ...options, mapSizes: [[16, 16], [6, 8], [4, 4]] as const }], // prettier-ignore
    ['too few map sizes', { ...options, mapSizes: [[16, 16]] as const }],
    ['too few widths', { ...options, architecture: { decoderWidths: [1] } }],
  ])('%s is an invalid configuration', (_, wrong) => {
    expect(codeOf(() => createStudent(wrong))).toBe('invalid-config');
  });

  test('features of other shapes', async () => {
    await expectNoNewTensors(() => {
      const student = createStudent(options);
      const features = filledMaps(student, 'feature', 2);
      const forward = (maps: readonly tf.Tensor4D[]) => (): unknown =>
        student.forward(maps, { training: false });
      expect(codeOf(forward(features.slice(1)))).toBe('shape-mismatch');
      expect(codeOf(forward([features[1]!, features[0]!, features[2]!]))).toBe('shape-mismatch');
      expect(forward(features.slice(1))).toThrow('wanted [batch, 16, 16, 4], [batch, 8, 8, 6]');
      tf.dispose(features);
      student.dispose();
    });
  });

  test('a batch norm over one value, and a disposed student', async () => {
    await expectNoNewTensors(() => {
      const student = createStudent({ ...options, inputSize: [32, 32] });
      const one = filledMaps(student, 'feature', 1);
      expect(codeOf(() => student.forward(one, { training: true }))).toBe('invalid-argument');
      student[Symbol.dispose]();
      expect(codeOf(() => student.forward(one, { training: false }))).toBe('disposed');
      tf.dispose(one);
    });
  });
});
