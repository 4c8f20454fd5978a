import { isDskdError } from '@dskd/base';
import * as tf from '@tensorflow/tfjs';
import { expectNoNewTensors } from '@dskd/test-support';
import { isDefaultTeacher, loadDefaultTeacher, teacherOf, type TeacherChoice } from './models.js';

function refusal(choice: TeacherChoice): { message: string; hint: string | undefined } {
  try {
    teacherOf(choice);
  } catch (error) {
    if (isDskdError(error)) return { message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error('was accepted');
}

test('the default teacher needs no file, and is recognized by its hash', async () => {
  await tf.setBackend('cpu');
  await expectNoNewTensors(async () => {
    const teacher = await loadDefaultTeacher();
    expect(teacher.extractor.name).toBe('teacher-tiny');
    expect(isDefaultTeacher(teacher.sha256)).toBe(true);
    const chosen = await teacherOf({ teacher: 'teacher-tiny' })();
    expect(chosen.sha256).toBe(teacher.sha256);
    expect(chosen.extractor.levels).toEqual(teacher.extractor.levels);
    chosen.dispose();
    teacher.dispose();
  });
});

test('another teacher needs its file: the error says where to get it, and which teacher needs none', () => {
  const { message, hint } = refusal({ teacher: 'resnet50' });
  expect(message).toBe('--teacher resnet50 needs its weights: --weights FILE is missing.');
  expect(hint).toContain('dskd weights pull resnet50');
  expect(hint).toContain('leave --teacher out');
});

test('weights without a name are those of a teacher-tiny', async () => {
  const load = teacherOf({ teacher: 'teacher-tiny', weights: 'no-file.safetensors' });
  await expect(load()).rejects.toMatchObject({ code: 'file-not-found' });
});

test('refuses an unknown backbone', () => {
  expect(refusal({ teacher: 'resnet9000', weights: 'x' }).message).toContain("Got backbone 'resnet9000'");
});

test('selects some of its levels; the error for an unknown level lists the existing ones', async () => {
  await tf.setBackend('cpu');
  await expectNoNewTensors(async () => {
    const teacher = await teacherOf({ teacher: 'teacher-tiny', levels: ['layer2', 'layer3'] })();
    expect(teacher.extractor.levels.map(({ name }) => name)).toEqual(['layer2', 'layer3']);
    teacher.dispose();
    const wrong = teacherOf({ teacher: 'teacher-tiny', levels: ['layer9'] })();
    await expect(wrong).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(/layer9.*layer1, layer2, layer3/s) as string,
    });
  });
});
