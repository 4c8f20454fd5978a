import { fuseScoredMaps } from './fuse-scored-maps.js';

const [local, global] = [Float32Array.of(0.1, 2, 0.3), Float32Array.of(0.2, 5, -1)];

test('maps are added in float32, and the score is their maximum', () => {
  const { map, score } = fuseScoredMaps([local, global]);
  expect([...map]).toEqual([0, 1, 2].map((pixel) => Math.fround(local[pixel]! + global[pixel]!)));
  expect(score).toBe(7);
  expect([...local]).toEqual([0.1, 2, 0.3].map(Math.fround));
});

test('an ignored pixel keeps its sum and gives no score', () => {
  const { map, score } = fuseScoredMaps([local, global], { ignored: Uint8Array.of(0, 1, 0) });
  expect(map[1]).toBe(7);
  expect(score).toBe(map[0]);
});

test('no map, and maps of different sizes, are refused', () => {
  expect(() => fuseScoredMaps([])).toThrow(/no branches/);
  expect(() => fuseScoredMaps([local, global], { ignored: new Uint8Array(9) })).toThrow(/3, 3, 9 pixels/);
});
