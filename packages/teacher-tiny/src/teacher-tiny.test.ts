import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { base64 } from '@dskd/base';
import { createBackbone } from '@dskd/models';
import { expectNoNewTensors } from '@dskd/test-support';
import { readStateDict } from '@dskd/weights';
import * as browser from './browser.js';
import { teacherTiny } from './node.js';

const MEGABYTES = 1e6;

test('the file is the one that the package and the card name, at most 3 MB', async () => {
  const teacher = teacherTiny();
  const bytes = await teacher.load();
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(teacher.sha256);
  expect(bytes.length).toBeLessThanOrEqual(3 * MEGABYTES);
  expect(browser.teacherTiny().sha256).toBe(teacher.sha256);
  const card = await readFile(new URL('../CARD.md', import.meta.url), 'utf8');
  expect(card).toContain(teacher.sha256);
});

test('filters are float16, and every number is finite', async () => {
  const weights = readStateDict(await teacherTiny().load());
  for (const [name, { dtype, shape, data }] of weights) {
    expect([name, dtype]).toEqual([name, shape.length === 4 ? 'F16' : 'F32']);
    // float16 stays as bits: an exponent of all ones is infinity or no number.
    const broken = [...data].findIndex((value) =>
      dtype === 'F16' ? (Number(value) & 0x7c00) === 0x7c00 : !Number.isFinite(Number(value)),
    );
    expect([name, broken]).toEqual([name, -1]);
  }
});

test('createBackbone accepts it: three levels of finite features that are not all zero, the same every time', async () => {
  await tf.setBackend('cpu');
  const teacher = teacherTiny();
  const weights = readStateDict(await teacher.load());
  const values = Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => ((i * i * 31 + i * 7) % 256) / 255);
  await expectNoNewTensors(async () => {
    const backbone = createBackbone(teacher.name, { weights });
    const image = tf.tensor4d(values, [1, 32, 32, 3]);
    const [first, second] = [await backbone.extract(image), await backbone.extract(image)];
    expect(first.map(({ shape }) => shape)).toEqual([
      [1, 8, 8, 40],
      [1, 4, 4, 80],
      [1, 2, 2, 160],
    ]);
    for (const [level, features] of first.entries()) {
      const data = await features.data();
      expect(data.every(Number.isFinite)).toBe(true);
      expect(data.some((value) => value > 0)).toBe(true);
      expect(await second[level]!.data()).toEqual(data);
    }
    tf.dispose([image, first, second]);
    backbone.dispose();
  });
});

test('base64 as embed.mjs writes it gives the same bytes', () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => (index * 37) % 256);
  expect(base64.decode(Buffer.from(bytes).toString('base64'))).toEqual(bytes);
});

test('the card matches the recorded results of distillation and quality', async () => {
  const script = fileURLToPath(new URL('../../../bench/teacher-tiny-card.mjs', import.meta.url));
  await expect(promisify(execFile)(process.execPath, [script, '--check'])).resolves.toMatchObject({
    stderr: '',
  });
});
