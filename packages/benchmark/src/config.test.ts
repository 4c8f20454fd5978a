import { isDskdError } from '@dskd/base';
import { parseConfig } from './config.js';

function messageOf(input: unknown, placeOf?: (path: readonly (string | number)[]) => string): string {
  try {
    parseConfig(input, placeOf);
  } catch (error) {
    if (isDskdError(error, 'invalid-config')) return error.message;
    throw error;
  }
  throw new Error('accepted');
}

test('defaults', () => {
  const config = parseConfig({ data: 'loco', tables: ['table5'] });
  expect(config).toMatchObject({
    seeds: [1],
    settings: { size: 256, preset: 'lite', teacher: 'default' },
    vary: {},
  });
  expect(config.categories).toBeUndefined();
});

test('reports every problem with its key', () => {
  const message = messageOf({
    data: { synthetic: { train: 60, validation: 12, test: 30, size: 64 } },
    tables: ['table7'],
    settings: { epochs: 0, preset: 'large', epoch: 3 },
    vary: { epochs: [5, -1], color: ['red'] },
    seed: 3,
  });
  for (const key of [
    'data.synthetic.size',
    'tables.0',
    'settings.epochs',
    'settings.preset',
    'settings.epoch',
    'vary.epochs.1',
    'vary.color',
    'seed',
  ]) {
    expect(message).toContain(`\n  ${key}: ${key}: `);
  }
  expect(message.split('\n')).toHaveLength(9);
});

test('a caller can describe the position of keys', () => {
  expect(messageOf({ data: 'x', tables: [] }, () => 'grid.yaml:2:1')).toContain(
    '\n  grid.yaml:2:1: tables: ',
  );
});

test('refuses a category that cannot be drawn', () => {
  const data = { synthetic: { train: 60, validation: 12, test: 30, size: 128 } };
  expect(messageOf({ data, tables: ['table4'], categories: ['tray', 'bottle'] })).toMatch(
    /categories\.1: got bottle, wanted one of tray, box/,
  );
  expect(parseConfig({ data: 'folder', tables: ['table4'], categories: ['bottle'] }).categories).toEqual([
    'bottle',
  ]);
});
