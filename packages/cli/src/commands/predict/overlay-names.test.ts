import { overlayNames } from './overlay-names.js';

const names = (...files: string[]): string[] => files.map((file) => overlayNames(files).get(file)!);

test('an overlay has the name of its image', () => {
  expect(names('parts/a.png', 'parts/b.jpg')).toEqual(['a.overlay.png', 'b.overlay.png']);
});

test('images with the same name get as many of their folders as are needed', () => {
  expect(names('test/good/000.png', 'test/spot/000.png', 'test/spot/001.png')).toEqual([
    'good-000.overlay.png',
    'spot-000.overlay.png',
    '001.overlay.png',
  ]);
  expect(names('one/good/000.png', 'two/good/000.png', 'two/spot/000.png')).toEqual([
    'one-good-000.overlay.png',
    'two-good-000.overlay.png',
    'spot-000.overlay.png',
  ]);
  expect(names('000.png', 'deeper/000.png')).toEqual(['000.overlay.png', 'deeper-000.overlay.png']);
});

test('images that differ only in their extension keep it', () => {
  expect(names('parts/a.png', 'parts/a.jpg')).toEqual(['a.png.overlay.png', 'a.jpg.overlay.png']);
});

test('no two overlays have the same file, also if case is ignored', () => {
  const files = ['a/b-c/x.png', 'a-b/c/x.png', 'A/X.png', 'a/x.png', '../a/x.png', 'c-x.png', 'a/x.PNG'];
  const lower = names(...files).map((name) => name.toLowerCase());
  expect(new Set(lower).size).toBe(files.length);
});

test('a name made unique is not that of another image', () => {
  const files = ['a/001.png', 'b/001.png', 'a-001.png', 'a-001-2.png', 'a-001-2-2.png'];
  expect(new Set(names(...files)).size).toBe(files.length);
});
