import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { EvaluationResult } from '@dskd/detector';
import { dskd, spawnDskd } from './dskd-process.test.util.js';
import { writeTeacher } from './made-up-dataset.test.util.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd synthetic ü-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a drawn dataset is trained on and evaluated by subset', async () => {
  const data = path.join(folder, 'data');
  const weights = path.join(folder, 'teacher.safetensors');
  const model = path.join(folder, 'model.safetensors');
  await writeTeacher(weights);
  const counts = ['--size', '128', '--train', '6', '--validation', '2', '--test', '6'];
  expect((await dskd('synth', data, '--category', 'tray', ...counts)).code).toBe(0);

  const trained = await spawnDskd(
    [
      'train',
      '--data',
      data,
      '--category',
      'tray',
      '--teacher',
      'squeezenet1_1',
      '--weights',
      weights,
    ].concat([
      '--size',
      '32',
      '--preset',
      'nano',
      '--epochs',
      '1',
      '--batch-size',
      '3',
      '--no-workers',
      '--out',
      model,
    ]),
  );
  expect(trained.code).toBe(0);
  expect(trained.stderr).toMatch(/test +anomalous +logical_anomalies +2 +2\n/);
  expect(trained.stderr).toContain('calibrating on 2 good pictures');

  const evaluated = await dskd('evaluate', model, '--data', data, '--category', 'tray', '--json');
  expect(evaluated.code).toBe(0);
  const result = JSON.parse(evaluated.stdout) as EvaluationResult;
  expect(result.pictures).toEqual({ good: 2, anomalous: 4, withMask: 4 });
  expect(Object.keys(result.fused.imageAurocByDefect).sort()).toEqual([
    'logical_anomalies',
    'structural_anomalies',
  ]);
  expect(result.fused.pixelAuroc).toBeGreaterThanOrEqual(0);
});
