import type { Sample } from '@dskd/data';
import { nextSteps } from './run.js';

const sample = (split: Sample['split'], label: Sample['label']): Sample => ({
  id: `${split}/${label}`,
  split,
  label,
  defectType: label,
  load: () => Promise.reject(new Error('not read')),
});

/** The lines that are commands. */
const commands = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('  dskd '));

test('a folder of good images: predict, calibrate, and what an evaluation needs', () => {
  const text = nextSteps(
    { samples: [sample('train', 'good')] },
    { model: 'model.safetensors', data: { data: 'good parts' } },
  );
  expect(commands(text)).toEqual([
    '  dskd predict model.safetensors NEW_IMAGES --out heat-maps',
    '  dskd calibrate model.safetensors --normals MORE_GOOD_IMAGES',
    '  dskd evaluate model.safetensors --data FOLDER --report report.html',
  ]);
  expect(text).toContain('FOLDER/test/NAME_OF_A_DEFECT');
});

test('a dataset with images of defects: the command that evaluates on them', () => {
  const text = nextSteps(
    { samples: [sample('train', 'good'), sample('test', 'anomalous')] },
    { model: 'my model.safetensors', data: { data: "good 'n' bad", category: 'tray' } },
  );
  expect(commands(text).at(-1)).toBe(
    "  dskd evaluate 'my model.safetensors' --data 'good '\\''n'\\'' bad' --category tray --report report.html",
  );
});

test('named folders: the good images were trained on, so others are needed to evaluate', () => {
  const text = nextSteps(
    { samples: [sample('train', 'good'), sample('test', 'anomalous')] },
    { model: 'm.safetensors', data: { good: ['ok'], bad: ['ko', 'a b'], masks: ['gt'] } },
  );
  expect(commands(text).at(-1)).toBe(
    "  dskd evaluate m.safetensors --good OTHER_GOOD_IMAGES --bad ko 'a b' --masks gt --report report.html",
  );
});
