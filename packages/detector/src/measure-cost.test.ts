import '@tensorflow/tfjs';
import { summarizeStudent } from '@dskd/models';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { describedTeacher } from './described-teacher.test.util.js';
import { measurable, measureBatch, measureObjective, scaleNetwork, type Measure } from './measure-cost.js';
import { planBranches } from './plan-branches.js';
import { paperRecipe } from './recipes.js';
import { tinySource } from './tiny-world.test.util.js';

const plans = planBranches({
  source: tinySource(),
  teacher: describedTeacher('wide_resnet50_2'),
  ...paperRecipe().options,
});

/** Says that `images` take what `seconds` gives, and notes what was asked for. */
function clock(seconds: (images: number) => number): { measure: Measure; asked: number[] } {
  const asked: number[] = [];
  const measure: Measure = (images) => {
    asked.push(images);
    return Promise.resolve(new Map([['student', seconds(images)]]));
  };
  return { measure, asked };
}

describe('a batch', () => {
  test('is measured whole where it is within the budget, after two steps to warm up and to judge', async () => {
    const { measure, asked } = clock((images) => images);
    const { seconds, images } = await measureBatch(measure, 16, 16, 16);
    expect(asked).toEqual([2, 2, 16]);
    expect([seconds.get('student'), images]).toEqual([16, 16]);
  });

  test.each([
    ['beyond the budget', 16, 15.9],
    ['beyond the memory', 15, 100],
  ])('%s is extrapolated from two and four images', async (_, most, budget) => {
    // 0.5 s whatever the batch, 1 s an image.
    const { measure, asked } = clock((images) => 0.5 + images);
    const { seconds, images } = await measureBatch(measure, 16, most, budget);
    expect(asked).toEqual([2, 2, 4]);
    expect(seconds.get('student')).toBeCloseTo(16.5, 10);
    expect(images).toBe(4);
  });

  test.each([
    ['no dearer than in proportion', (images: number) => images ** 2, 64],
    ['no cheaper than the smaller one', (images: number) => 9 - images, 5],
  ])('scattered measurements: %s', async (_, seconds, wanted) => {
    const result = await measureBatch(clock(seconds).measure, 16, 16, 0);
    expect(result.seconds.get('student')).toBe(wanted);
  });

  test('of few images needs no extrapolation', async () => {
    const result = await measureBatch(clock(() => 3).measure, 2, 16, 0);
    expect(result.seconds.get('student')).toBe(3);
    expect(result.images).toBe(2);
  });
});

describe('a student', () => {
  test('is measured whole where there is room, narrower by the smallest factor where there is none', () => {
    for (const plan of plans) {
      const whole = summarizeStudent(plan.student);
      const room = 16 * whole.parameters + 4 * whole.activationBytesPerImage;
      expect(measurable(plan, room)).toEqual({ plan, scaledBy: 1, images: 4 });
      const half = measurable(plan, room - 1);
      expect(half.plan.student.architecture!.phiChannels).toBe(1024);
      const { gmac } = summarizeStudent(half.plan.student);
      expect(half.scaledBy).toBe(whole.gmac / gmac);
      expect(half.images).toBeGreaterThanOrEqual(4);
    }
  });

  test('is measured at its narrowest on two images where there is no room at all', () => {
    const { plan, images } = measurable(plans[0]!, 0);
    expect(plan.student.architecture!.phiChannels).toBe(64);
    expect(images).toBe(2);
  });
});

test('of a narrower step only the network is scaled', () => {
  expect(scaleNetwork(5, 2, 4)).toBe(14);
  expect(scaleNetwork(1, 2, 4)).toBe(2);
});

test.each(plans.map((plan) => [plan.name, plan] as const))(
  'the objective of the %s student is measured alone',
  async (_, plan) => {
    await useBackend('wasm');
    registerWasmGradients();
    const levels = [
      { name: 'a', shape: [4, 4, 8] as const },
      { name: 'b', shape: [2, 2, 16] as const },
    ];
    const seconds = await expectNoNewTensors(() => measureObjective(plan, levels, 2));
    expect(seconds).toBeGreaterThan(0);
  },
);
