import type { BenchmarkConfig } from '@dskd/benchmark';
import { reproduceOptions } from '../reproduce.js';
import { resolveOptions } from '../../options/resolve.js';
import { reproduction } from './reproduction.js';

const of = (table: string, flags: Record<string, unknown>): BenchmarkConfig =>
  reproduction(table, resolveOptions('reproduce', reproduceOptions, { flags: { data: 'loco', ...flags } }));

test("the paper's settings are the defaults", () => {
  const { tables, seeds, settings } = of('table5', { weights: 'wide.pth' });
  expect([tables, seeds]).toEqual([['table5'], [1]]);
  expect(settings).toMatchObject({
    size: [256, 256],
    augment: 'gcad',
    preset: 'paper',
    gccb: 'full',
    gccbChannels: 1024,
    temperature: 1,
    epochs: 200,
    batchSize: 16,
    localLearningRate: 0.005,
    globalLearningRate: 0.005,
  });
  expect(settings.teacher).toMatchObject({ name: 'wide_resnet50_2' });
});

test('flags override them', () => {
  const { settings, seeds, categories } = of('table6', {
    teacher: 'teacher-tiny',
    preset: 'nano',
    size: 128,
    epochs: 3,
    seeds: ['1', '5'],
    categories: ['tray'],
    learningRate: 'dskd',
  });
  expect([seeds, categories]).toEqual([[1, 5], ['tray']]);
  expect(settings).toMatchObject({ teacher: 'default', preset: 'nano', size: [128, 128], epochs: 3 });
  expect([settings.gccbChannels, settings.localLearningRate]).toEqual([undefined, undefined]);
});

test('refuses invalid options before anything is read', () => {
  expect(() => of('table7', { teacher: 'teacher-tiny' })).toThrow(/got table7, wanted one of table1, /);
  expect(() => of('table5', {})).toThrow(/--teacher wide_resnet50_2 needs its weights/);
  expect(() => of('table5', { teacher: 'teacher-tiny', seeds: ['one'] })).toThrow(/--seeds: got one/);
});

test('the profile lite is for a CPU; methods get rows', () => {
  const { settings, methods, profile } = of('table1', { profile: 'lite', methods: ['vm', 'spade'] });
  expect([methods, profile]).toEqual([['vm', 'spade'], 'lite']);
  expect(settings).toMatchObject({
    teacher: 'default',
    preset: 'nano',
    size: [128, 128],
    epochs: 30,
    batchSize: 8,
    reestimateBatchNorm: true,
    augment: 'none',
  });
  expect([settings.localLearningRate, settings.gccbChannels]).toEqual([undefined, undefined]);
  expect(of('table1', { profile: 'lite', methods: ['vm', 'all'], preset: 'lite' })).toMatchObject({
    methods: 'all',
    settings: { preset: 'lite' },
  });
  expect(of('table1', { weights: 'wide.pth' })).toMatchObject({ methods: [], profile: 'paper' });
});
