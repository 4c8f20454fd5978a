import { dependentTests, withinBudget } from './choose-tests.mjs';
import { importsOf } from './import-graph.mjs';

const imports = new Map(
  Object.entries({
    'a.js': [],
    'a.test.js': ['a.js'],
    'a.backends.test.js': ['a.js', 'help.test.util.js'],
    'a.slow.test.js': ['a.js'],
    'help.test.util.js': ['b.js'],
    'b.js': ['a.js', 'deep/c.js'],
    'b.test.js': ['b.js'],
    'deep/c.js': ['b.js'],
    'deep/c.test.js': ['deep/c.js'],
    'other.test.js': ['a.js'],
    'apart.test.js': [],
  }),
);
const near = (changed) => dependentTests(imports, changed).map(({ test, distance }) => `${distance} ${test}`);

describe('dependentTests', () => {
  test('the tests beside a file, then those that import it, then those farther away; never slow ones', () => {
    expect(near(['a.js'])).toEqual([
      '0 a.backends.test.js',
      '0 a.test.js',
      '1 other.test.js',
      '2 b.test.js',
      '3 deep/c.test.js',
    ]);
  });

  test('a circle of imports ends', () => {
    expect(near(['deep/c.js'])).toEqual(['0 deep/c.test.js', '2 b.test.js', '3 a.backends.test.js']);
  });

  test('of several changed files the nearest counts; a changed test runs', () => {
    expect(near(['deep/c.js', 'other.test.js', 'b.js'])).toEqual([
      '0 b.test.js',
      '0 deep/c.test.js',
      '0 other.test.js',
      '2 a.backends.test.js',
    ]);
  });

  test('what nothing imports, and what was not compiled, has no tests', () => {
    expect(near(['nowhere.js', 'gone.test.js'])).toEqual([]);
  });
});

describe('withinBudget', () => {
  const tests = [
    { test: 'near', distance: 0 },
    { test: 'long', distance: 1 },
    { test: 'short', distance: 1 },
    { test: 'far', distance: 2 },
  ];
  const seconds = { near: 3, long: 30, short: 1, far: 4 };
  const choose = (budget) => withinBudget(tests, (test) => seconds[test], budget);

  test('the nearest that fit, of equally near ones the quickest; a long one is passed over', () => {
    expect(choose(8)).toEqual(['near', 'short', 'far']);
    expect(choose(7)).toEqual(['near', 'short']);
    expect(choose(100)).toEqual(['near', 'short', 'long', 'far']);
  });

  test('where none fits, the nearest runs', () => {
    expect(choose(0.5)).toEqual(['near']);
    expect(choose(0)).toEqual(['near']);
  });

  test('no tests, no choice', () => {
    expect(withinBudget([], () => 1, 9)).toEqual([]);
  });
});

test('importsOf reads all kinds of references within the package', () => {
  const text = `import { a } from './a.js';
import '../b.js';
export * from "./c.js";
const d = await import('./d/e.js');
new Worker(new URL('./worker.js', import.meta.url));
import fs from 'node:fs';
import { x } from '@dskd/base';`;
  expect(importsOf('deep/f.js', text)).toEqual([
    'deep/a.js',
    'b.js',
    'deep/c.js',
    'deep/d/e.js',
    'deep/worker.js',
  ]);
});
