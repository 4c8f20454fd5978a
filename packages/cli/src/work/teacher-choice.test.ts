import { isDskdError } from '@dskd/base';
import * as tf from '@tensorflow/tfjs';
import { expectNoNewTensors } from '@dskd/test-support';
import { isDefaultTeacher, loadDefaultTeacher, teacherOf, type TeacherChoice } from './teacher-choice.js';

function refusal(choice: TeacherChoice): { message: string; hint: string | undefined } {
  try {
    teacherOf(choice);
  } catch (error) {
    if (isDskdError(error)) return { message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error('was accepted');
}

test('the default teacher comes without a file, and is known by its hash', async () => {
  await tf.setBackend('cpu');
  expect(teacherOf({ teacher: 'teacher-tiny' })).toBe(loadDefaultTeacher);
  await expectNoNewTensors(async () => {
    const teacher = await loadDefaultTeacher();
    expect(teacher.extractor.name).toBe('dskd_tiny');
    expect(isDefaultTeacher(teacher.sha256)).toBe(true);
    teacher.dispose();
  });
});

test('another one needs its file: said with where to get it, and what needs none', () => {
  const { message, hint } = refusal({ teacher: 'resnet50' });
  expect(message).toBe('--teacher resnet50 needs its weights: --weights FILE is missing.');
  expect(hint).toContain('dskd weights pull resnet50');
  expect(hint).toContain('leave --teacher out');
  expect(refusal({ teacher: 'dskd_tiny' }).hint).not.toContain('pull');
});

test('weights without the name of their backbone', () => {
  const { message, hint } = refusal({ teacher: 'teacher-tiny', weights: 'mine.pth' });
  expect(message).toBe('Got --weights mine.pth for teacher-tiny, which has its own.');
  expect(hint).toContain('--teacher squeezenet1_1');
});

test('no such backbone', () => {
  expect(refusal({ teacher: 'resnet9000', weights: 'x' }).message).toContain("Got teacher 'resnet9000'");
});
