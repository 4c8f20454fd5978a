import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeImage } from '@dskd/data/node';
import { loadDetector, mapInImage } from '@dskd/detector';
import type { EvaluationResult } from '@dskd/metrics';
import sharp from 'sharp';
import { dskd, spawnDskd } from './dskd-process.test.util.js';
import { writeTeacher } from './made-up-dataset.test.util.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd synthetic ü-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('trains on a synthetic dataset and evaluates by subset', async () => {
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
  expect(trained.stderr).toContain('calibrating on 2 good images');

  const maps = path.join(folder, 'maps');
  const evaluate = ['evaluate', model, '--data', data, '--category', 'tray'];
  const evaluated = await dskd(...evaluate, '--write-maps', maps, '--json');
  expect(evaluated.code).toBe(0);
  const result = JSON.parse(evaluated.stdout) as EvaluationResult;
  expect(result.images).toEqual({ good: 2, anomalous: 4, withMask: 4 });
  expect(Object.keys(result.fused.imageAurocByDefect).sort()).toEqual([
    'logical_anomalies',
    'structural_anomalies',
  ]);
  expect(result.protocol).toBe('mvtec-loco-ad');
  const { imageAuroc, imageAurocByDefect, auSpro, pixelAuroc } = result.branches.global!;
  const [logical, structural] = Object.values(imageAurocByDefect);
  expect(imageAuroc).toBe((logical! + structural!) / 2);
  expect(pixelAuroc).toBeGreaterThanOrEqual(0);
  for (const subset of ['logical_anomalies', 'structural_anomalies']) {
    expect(auSpro[subset]!.map(({ limit }) => limit)).toEqual([0.01, 0.05, 0.1, 0.3, 1]);
  }

  // Every map is where MVTec's script expects it, and equal to the detector's map, bit by bit.
  const detector = await loadDetector(await readFile(model));
  try {
    for (const { id } of result.samples) {
      const image = await decodeImage(path.join(data, 'tray', id));
      const prediction = await detector.predict(image);
      const { data: wanted, width, height } = mapInImage(prediction, image);
      const { data: written, info } = await sharp(path.join(maps, 'tray', id.replace(/png$/, 'tiff')))
        .raw({ depth: 'float' })
        .toBuffer({ resolveWithObject: true });
      expect(info).toMatchObject({ width, height });
      const values = new Float32Array(new Uint8Array(written).buffer);
      expect(values.filter((_, i) => i % info.channels === 0)).toEqual(wanted);
    }
  } finally {
    detector.dispose();
  }

  const { stdout } = await dskd(...evaluate);
  expect(stdout).toContain('protocol of MVTec LOCO AD');
  expect(stdout).toMatch(/^AU-sPRO up to +score +0\.01 +0\.05 +0\.1 +0\.3 +1$/m);
  expect(stdout).toMatch(/^mean +fused(?: +[\d.]+){5}$/m);
});
