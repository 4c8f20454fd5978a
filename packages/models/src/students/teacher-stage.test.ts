import '@tensorflow/tfjs';
import { isDskdError } from '@dskd/base';
import { useBackend } from '@dskd/test-support';
import type { StateDict } from '@dskd/weights';
import { backboneInfo, type BackboneName } from '../index.js';
import { createStudent } from './create-student.js';
import type { StudentOptions } from './student-config.js';
import { teacherStage4 } from './teacher-stage.js';

beforeAll(() => useBackend('wasm'));

/** A file with the shapes of the real one, all zeros. */
function fileOf(teacher: BackboneName, levels: readonly string[]): StateDict {
  const shapes = [...backboneInfo(teacher).weightShapes({ levels })];
  const length = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);
  const zeros = new Float32Array(Math.max(...shapes.map(([, shape]) => length(shape))));
  return new Map(
    shapes.map(([name, shape]) => [name, { dtype: 'F32', shape, data: zeros.subarray(0, length(shape)) }]),
  );
}

function globalStudent(teacher: BackboneName, options: Partial<StudentOptions> = {}): StudentOptions {
  return {
    preset: 'paper',
    branch: 'global',
    levels: backboneInfo(teacher).levels,
    inputSize: [64, 64],
    gccb: { channels: 4 },
    ...options,
  };
}

function errorOf(work: () => unknown): { code: string; message: string; problems: string[] } {
  try {
    work();
  } catch (error) {
    if (!isDskdError(error)) throw error;
    return { code: error.code, message: error.message, problems: error.details.problems as string[] };
  }
  throw new Error('Nothing was thrown.');
}

test('contains every tensor of the stage of a paper student, for Wide-ResNet-50-2', () => {
  const state = teacherStage4(
    'wide_resnet50_2',
    fileOf('wide_resnet50_2', ['layer4']),
    globalStudent('wide_resnet50_2'),
  );
  // 10 convolutions, each with four arrays of batch norm; 41.97 M numbers but for the running statistics.
  expect(state.size).toBe(50);
  expect([...state.keys()].every((name) => name.startsWith('bottleneck.layer4.'))).toBe(true);
  const trainable = [...state].filter(([name]) => !name.includes('running'));
  expect(trainable.reduce((sum, [, { data }]) => sum + data.length, 0)).toBe(41_971_712);
});

test('copies numbers of any float type', () => {
  const levels = [{ name: 'layer3', channels: 2, stride: 16 }];
  const options = globalStudent('wide_resnet50_2', { levels, inputSize: [64, 64] });
  const student = createStudent(options, { blank: true });
  const file: StateDict = new Map();
  for (const [name, { size, shape }] of [...student.parameters, ...student.buffers]) {
    if (!name.startsWith('bottleneck.')) continue;
    const torch = shape.length === 4 ? [shape[3], shape[2], shape[0], shape[1]] : shape;
    const half = new Uint16Array(size).fill(0x3e00); // 1.5
    file.set(name.slice('bottleneck.'.length), { dtype: 'F16', shape: torch, data: half });
  }
  student.dispose();
  const state = teacherStage4('wide_resnet50_2', file, options);
  (file.get('layer4.0.bn1.weight')!.data as Uint16Array).fill(0);
  expect(new Set(state.get('bottleneck.layer4.0.bn1.weight')!.data as Float32Array)).toEqual(new Set([1.5]));
});

describe('refuses', () => {
  test('a file without stage 4', () => {
    const error = errorOf(() =>
      teacherStage4('resnet18', fileOf('resnet18', ['layer3']), globalStudent('resnet18')),
    );
    expect(error.code).toBe('weights-mismatch');
    expect(error.message).toContain('contain no layer4.*');
  });

  test('other widths; the error names both', () => {
    const file = fileOf('resnet50', ['layer4']);
    const error = errorOf(() => teacherStage4('resnet50', file, globalStudent('resnet50')));
    expect(error.code).toBe('weights-mismatch');
    expect(error.problems).toContain("'layer4.0.conv1.weight' is 512x1024x1x1, wanted 1024x1024x1x1");
    const quarter = globalStudent('resnet50', { architecture: { innerRatio: 1 / 4 } });
    expect(teacherStage4('resnet50', file, quarter).size).toBe(50);
  });

  test('another number or kind of blocks', () => {
    const lite = globalStudent('resnet34', { preset: 'lite' });
    const error = errorOf(() => teacherStage4('resnet34', fileOf('resnet34', ['layer4']), lite));
    expect(error.problems).toContain("'layer4.2.conv1.weight' has no counterpart");
    const paper = errorOf(() =>
      teacherStage4('resnet18', fileOf('resnet18', ['layer4']), globalStudent('resnet18')),
    );
    expect(paper.problems).toContain("'layer4.0.conv3.weight' is missing");
  });

  test('a stage that halves the map in another convolution, although its shapes fit', () => {
    const student = globalStudent('resnet50_v1', { architecture: { innerRatio: 1 / 4 } });
    const error = errorOf(() => teacherStage4('resnet50_v1', fileOf('resnet50_v1', ['layer4']), student));
    expect(error.problems).toEqual(["its first block halves the map in conv1, the student's in conv2"]);
  });

  test('a local student', () => {
    const local = globalStudent('resnet18', { branch: 'local', gccb: undefined });
    const error = errorOf(() => teacherStage4('resnet18', fileOf('resnet18', ['layer4']), local));
    expect(error.code).toBe('invalid-config');
  });
});
