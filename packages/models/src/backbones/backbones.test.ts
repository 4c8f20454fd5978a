import * as tf from '@tensorflow/tfjs';
import { isDskdError } from '@dskd/base';
import { expectClose, useBackend } from '@dskd/test-support';
import type { StateDictEntry } from '@dskd/weights';
import {
  backboneGolden,
  expectGoldenFeatures,
  filledBackbone,
  filledWeights,
  noiseImages,
} from './golden.test.util.js';
import { backboneInfo, BACKBONES, createBackbone, type BackboneName } from '../index.js';

beforeAll(() => useBackend('wasm'));

function caught(work: () => unknown): Error & { code?: string; details?: Record<string, unknown> } {
  try {
    work();
  } catch (error) {
    if (isDskdError(error)) return error;
    throw error;
  }
  throw new Error('Nothing was thrown.');
}

// The larger ones are in the slow tier.
test.each<BackboneName>(['resnet34', 'resnet50', 'pdn-small'])(
  '%s gives the features of PyTorch',
  async (name) => {
    const before = tf.memory().numTensors;
    const backbone = filledBackbone(name);
    const sizes: Partial<Record<BackboneName, [number, number]>> = {
      resnet34: [61, 96],
      'pdn-small': [47, 52],
    };
    const size = sizes[name] ?? [64, 48];
    await expectGoldenFeatures(backbone, await backboneGolden(), noiseImages(2, ...size));
    backbone.dispose();
    expect(tf.memory().numTensors).toBe(before);
  },
);

describe('registry', () => {
  test('every network has golden values', async () => {
    const golden = new Set((await backboneGolden()).names);
    const wanted = BACKBONES.flatMap((name) =>
      backboneInfo(name).levels.map((level) => `${name}/${level.name}`),
    );
    expect(wanted.filter((key) => !golden.has(key))).toEqual([]);
  });

  test('knows levels and inputs', () => {
    expect(backboneInfo('wide_resnet50_2').levels).toEqual([
      { name: 'layer1', channels: 256, stride: 4 },
      { name: 'layer2', channels: 512, stride: 8 },
      { name: 'layer3', channels: 1024, stride: 16 },
    ]);
    expect(backboneInfo('squeezenet1_1').levels).toEqual([
      { name: 'features.4', channels: 128, stride: 4 },
      { name: 'features.7', channels: 256, stride: 8 },
      { name: 'features.12', channels: 512, stride: 16 },
    ]);
    expect(backboneInfo('resnet18').availableLevels.at(-1)).toEqual({
      name: 'layer4',
      channels: 512,
      stride: 32,
    });
    expect(backboneInfo('resnet50_v1').inputTransform.channelOrder).toBe('bgr');
    expect(backboneInfo('resnet50').inputTransform.channelOrder).toBe('rgb');
  });

  test('the error for an unknown name or level lists the known ones', () => {
    expect(caught(() => backboneInfo('resnet42')).message).toContain('squeezenet1_1');
    for (const levels of [['layer9'], [], ['layer1', 'layer1']]) {
      const error = caught(() => createBackbone('resnet18', { weights: new Map(), levels }));
      expect(error.code).toBe('invalid-argument');
      expect(error.message).toContain('layer4');
    }
  });
});

describe('shapes', () => {
  test("are torch's for any input size", async () => {
    const golden = await backboneGolden();
    const keys = golden.names.filter((name) => name.startsWith('shapes/'));
    expect(keys).toHaveLength(16);
    const [resnet18, squeezenet] = [filledBackbone('resnet18'), filledBackbone('squeezenet1_1')];
    for (const key of keys) {
      const [, name, size] = key.split('/') as [string, string, string];
      const [height, width] = size.split('x').map(Number) as [number, number];
      const backbone = name === 'resnet18' ? resnet18 : squeezenet;
      expect(backbone.outputShapes([height, width]).flat()).toEqual([...golden.array(key).data]);
    }
    expect(squeezenet.outputShapes([256, 256])).toEqual([
      [64, 64, 128],
      [32, 32, 256],
      [16, 16, 512],
    ]);
    resnet18.dispose();
    squeezenet.dispose();
  });

  test.each([
    [100, 100],
    [33, 47],
    [34, 35],
  ])('features have them, %i x %i', async (height, width) => {
    for (const name of ['resnet18', 'squeezenet1_1'] as const) {
      const backbone = filledBackbone(name);
      const images = noiseImages(1, height, width);
      const features = await backbone.extract(images);
      expect(features.map((level) => level.shape.slice(1))).toEqual(backbone.outputShapes([height, width]));
      tf.dispose([...features, images]);
      backbone.dispose();
    }
  });

  test('an input too small for the deepest level is refused', () => {
    const backbone = filledBackbone('squeezenet1_1');
    for (const size of [
      [1, 1],
      [0, 64],
      [64, NaN],
      [64.5, 64],
    ] as const) {
      expect(caught(() => backbone.outputShapes(size)).code).toBe('shape-mismatch');
    }
    backbone.dispose();
  });
});

describe('weights', () => {
  test('one error lists all tensors that are missing or of another shape', () => {
    const weights = filledWeights('resnet18');
    weights.delete('layer2.0.downsample.0.weight');
    weights.set('bn1.bias', { dtype: 'F32', shape: [32], data: new Float32Array(32) });
    const error = caught(() => createBackbone('resnet18', { weights }));
    expect(error.code).toBe('weights-mismatch');
    expect(error.details?.problems).toEqual([
      "'bn1.bias' is [32], wanted [64]",
      "'layer2.0.downsample.0.weight' [128, 64, 1, 1] is missing",
    ]);
    const all = caught(() => createBackbone('resnet18', { weights: new Map() }));
    expect(all.message).toMatch(/; and \d+ more\.$/);
    expect(all.details?.problems).toHaveLength(backboneInfo('resnet18').weightShapes().size);
  });

  test('tensors that are not needed are ignored, and layer4 is needed only if it is selected', () => {
    const weights = filledWeights('resnet18');
    weights.set('fc.weight', { dtype: 'F32', shape: [2, 2], data: new Float32Array(4) });
    weights.set('bn1.num_batches_tracked', { dtype: 'I64', shape: [], data: new BigInt64Array(1) });
    createBackbone('resnet18', { weights }).dispose();
    expect(caught(() => createBackbone('resnet18', { weights, levels: ['layer4'] })).code).toBe(
      'weights-mismatch',
    );
  });

  test('half-precision weights are read exactly', async () => {
    const weights = filledWeights('squeezenet1_1', ['features.4']);
    // bfloat16: the upper half of a float32. Rounded toward zero on both sides, so the same network.
    const truncated = new Map<string, StateDictEntry>();
    const halves = new Map<string, StateDictEntry>();
    for (const [name, { shape, data }] of weights) {
      const bits = new Uint32Array((data as Float32Array).slice().buffer);
      halves.set(name, { dtype: 'BF16', shape, data: Uint16Array.from(bits, (word) => word >>> 16) });
      const masked = bits.map((word) => word & 0xffff0000);
      truncated.set(name, { dtype: 'F32', shape, data: new Float32Array(masked.buffer) });
    }
    const images = noiseImages(1, 32, 32);
    const results: Float32Array[] = [];
    for (const stateDict of [truncated, halves]) {
      const backbone = createBackbone('squeezenet1_1', { weights: stateDict, levels: ['features.4'] });
      const [features] = await backbone.extract(images);
      results.push((await features!.data<'float32'>()).slice());
      features!.dispose();
      backbone.dispose();
    }
    images.dispose();
    expectClose(results[1]!, results[0]!, {});
  });
});

describe('patch networks of EfficientAD', () => {
  const INDICES = { 'pdn-small': [0, 3, 6, 8], 'pdn-medium': [0, 3, 6, 8, 10, 12] } as const;

  test.each([
    ['pdn-small', 'conv4', 2_694_144],
    ['pdn-medium', 'conv6', 8_026_624],
  ] as const)(
    '%s has one level without padding, and the parameters of the public code',
    (name, level, count) => {
      const info = backboneInfo(name);
      expect(info.levels).toEqual([{ name: level, channels: 384, stride: 4 }]);
      expect(info.cost([256, 256]).parameters).toBe(count);
      expect(info.cost([256, 256]).featureBytes).toBe(4 * 56 * 56 * 384);
      const shapes = info.weightShapes();
      expect([...shapes.keys()]).toEqual(
        INDICES[name].flatMap((_, i) => [`conv${i + 1}.weight`, `conv${i + 1}.bias`]),
      );
      expect(shapes.get('conv1.weight')).toEqual([name === 'pdn-small' ? 128 : 256, 3, 4, 4]);
    },
  );

  test('reads the tensors by both public namings', async () => {
    const weights = filledWeights('pdn-small');
    const indexed = new Map(
      [...weights].map(([tensor, entry]) => {
        const [layer, part] = tensor.split('.') as [string, string];
        return [`${INDICES['pdn-small'][Number(layer.slice(4)) - 1]}.${part}`, entry];
      }),
    );
    expect([...indexed.keys()]).toContain('8.bias');
    expect([...backboneInfo('pdn-small').withOwnNames(indexed)]).toEqual([...weights]);
    expect(backboneInfo('resnet18').withOwnNames(indexed)).toBe(indexed);
    const images = noiseImages(1, 36, 33);
    const results: Float32Array[] = [];
    for (const stateDict of [weights, indexed]) {
      const backbone = createBackbone('pdn-small', { weights: stateDict });
      const [features] = await backbone.extract(images);
      results.push((await features!.data<'float32'>()).slice());
      features!.dispose();
      backbone.dispose();
    }
    images.dispose();
    expect(results[1]).toEqual(results[0]);
    indexed.delete('8.bias');
    expect(caught(() => createBackbone('pdn-small', { weights: indexed })).details?.problems).toEqual([
      "'conv4.bias' [384] is missing",
    ]);
  });
});

describe('extract', () => {
  test('the features of a level do not depend on the other selected levels', async () => {
    const images = noiseImages(1, 32, 32);
    const few = filledBackbone('squeezenet1_1', ['features.7', 'features.3']);
    expect(few.levels.map((level) => level.name)).toEqual(['features.3', 'features.7']);
    const usual = filledBackbone('squeezenet1_1');
    const [, ofFew] = await few.extract(images);
    const [, ofUsual] = await usual.extract(images);
    expectClose(await ofFew!.data(), await ofUsual!.data(), {});
    few.dispose();
    usual.dispose();
  });

  test('another input transform is applied to the images', async () => {
    const weights = filledWeights('squeezenet1_1');
    const images = noiseImages(1, 32, 32);
    const plain = { scale: 1, mean: [0, 0, 0], standardDeviation: [1, 1, 1] } as const;
    const rgb = createBackbone('squeezenet1_1', {
      weights,
      inputTransform: { channelOrder: 'rgb', ...plain },
    });
    const bgr = createBackbone('squeezenet1_1', {
      weights,
      inputTransform: {
        channelOrder: 'bgr',
        scale: 2,
        mean: [0.1, 0.2, 0.3],
        standardDeviation: [0.5, 1, 2],
      },
    });
    // (bgr * 2 - mean) / std, by hand.
    const byHand = images.reverse(3).mul(2).sub([0.1, 0.2, 0.3]).div<tf.Tensor4D>([0.5, 1, 2]);
    const [got] = await bgr.extract(images);
    const [wanted] = await rgb.extract(byHand);
    expectClose(await got!.data(), await wanted!.data(), { relative: 1e-5 });
    rgb.dispose();
    bgr.dispose();
  });

  test('the error for wrong images says their type and shape', async () => {
    const backbone = filledBackbone('squeezenet1_1');
    const gray = tf.zeros<tf.Rank.R4>([1, 32, 32, 1]);
    const whole = tf.zeros<tf.Rank.R4>([1, 32, 32, 3], 'int32');
    await expect(backbone.extract(gray)).rejects.toMatchObject({ code: 'shape-mismatch' });
    await expect(backbone.extract(whole)).rejects.toMatchObject({ code: 'shape-mismatch' });
    tf.dispose([gray, whole]);
    backbone.dispose();
  });

  test('extract fails after dispose; dispose can be called twice', async () => {
    const before = tf.memory().numTensors;
    const backbone = filledBackbone('squeezenet1_1');
    backbone[Symbol.dispose]();
    backbone.dispose();
    expect(tf.memory().numTensors).toBe(before);
    const images = noiseImages(1, 32, 32);
    await expect(backbone.extract(images)).rejects.toMatchObject({ code: 'disposed' });
    images.dispose();
  });
});

test('an extractor keeps its own copy of the weights', async () => {
  const weights = filledWeights('squeezenet1_1');
  const backbone = createBackbone('squeezenet1_1', { weights });
  const images = noiseImages(1, 32, 32);
  const [before] = await backbone.extract(images);
  for (const { data } of weights.values()) (data as Float32Array).fill(0);
  const [after] = await backbone.extract(images);
  expectClose(await after!.data(), await before!.data(), {});
  backbone.dispose();
});

describe('cost', () => {
  test('wide_resnet50_2 to layer3 has 24.86 M parameters', () => {
    const cost = backboneInfo('wide_resnet50_2').cost([256, 256]);
    expect(cost.multiplyAccumulates / 1e9).toBeCloseTo(12.0, 2);
    // 24.86 M with two numbers per batch-norm channel; folded there is one.
    expect(cost.parameters / 1e6).toBeCloseTo(24.86, 1);
    expect(cost.weightBytes).toBe(4 * cost.parameters);
    expect(cost.featureBytes).toBe(4 * (64 * 64 * 256 + 32 * 32 * 512 + 16 * 16 * 1024));
  });

  test('teacher-tiny stays within 1.5 M parameters and 0.7 GMAC at 256 px', () => {
    const { parameters, multiplyAccumulates } = backboneInfo('teacher-tiny').cost([256, 256]);
    expect(parameters / 1e6).toBeCloseTo(1.08, 2);
    expect(multiplyAccumulates / 1e9).toBeCloseTo(0.663, 3);
    expect(parameters).toBeLessThanOrEqual(1.5e6);
    expect(multiplyAccumulates).toBeLessThanOrEqual(0.7e9);
  });

  test('counts the filters, and scales with the image', () => {
    const shapes = [...backboneInfo('squeezenet1_1').weightShapes().values()];
    const held = shapes.reduce((sum, shape) => sum + shape.reduce((product, side) => product * side, 1), 0);
    expect(backboneInfo('squeezenet1_1').cost([64, 64]).parameters).toBe(held);
    const [small, large] = ([64, 128] as const).map((side) => backboneInfo('resnet50').cost([side, side]));
    expect(large!.multiplyAccumulates).toBe(4 * small!.multiplyAccumulates);
    expect(backboneInfo('resnet50').cost([64, 64], { levels: ['layer1'] }).parameters).toBeLessThan(
      small!.parameters,
    );
  });
});
