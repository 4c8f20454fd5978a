import { cosine, drawsOf, nearestCell, sine, smoothStep, valueNoise } from './math.js';

test('sine and cosine are accurate to 1e-7, over many turns', () => {
  for (let i = -2000; i <= 2000; i++) {
    const angle = i * 0.0137;
    expect(Math.abs(sine(angle) - Math.sin(angle))).toBeLessThan(1e-7);
    expect(Math.abs(cosine(angle) - Math.cos(angle))).toBeLessThan(1e-7);
  }
});

test('a smooth step goes from 0 to 1, in either direction', () => {
  expect([1, 2, 3, 4, 5].map((value) => smoothStep(2, 4, value))).toEqual([0, 0, 0.5, 1, 1]);
  expect([1, 2, 3, 4, 5].map((value) => smoothStep(4, 2, value))).toEqual([1, 1, 0.5, 0, 0]);
});

test('noise is smooth, within -1 to 1 and uses that range', () => {
  const values = Array.from({ length: 4000 }, (_, i) => valueNoise(i * 0.05, i * 0.031, 5));
  expect(Math.min(...values)).toBeGreaterThanOrEqual(-1);
  expect(Math.min(...values)).toBeLessThan(-0.8);
  expect(Math.max(...values)).toBeLessThanOrEqual(1);
  expect(Math.max(...values)).toBeGreaterThan(0.8);
  const steps = values.slice(1).map((value, i) => Math.abs(value - values[i]!));
  expect(Math.max(...steps)).toBeLessThan(0.25);
});

test('a different seed gives different noise, the same seed the same', () => {
  expect(valueNoise(3.3, 8.1, 1)).not.toBe(valueNoise(3.3, 8.1, 2));
  expect(valueNoise(3.3, 8.1, 1)).toBe(valueNoise(3.3, 8.1, 1));
});

test('a cell has the same identity everywhere around its center', () => {
  const cell = { distance: 0, identity: 0 };
  const identities = new Set<number>();
  for (let i = 0; i < 400; i++) {
    nearestCell((i % 20) * 0.5, Math.floor(i / 20) * 0.5, 9, cell);
    expect(cell.distance).toBeLessThan(1.6);
    identities.add(cell.identity);
  }
  // 10 x 10 units contain about a hundred cells, with four samples each.
  expect(identities.size).toBeGreaterThan(80);
  expect(identities.size).toBeLessThan(170);
});

test('bell-shaped draws have the requested deviation', () => {
  const draws = drawsOf(3, 'bell');
  const values = Array.from({ length: 20000 }, () => draws.bell(2));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  expect(mean).toBeCloseTo(0, 1);
  expect(Math.sqrt(variance)).toBeGreaterThan(1.95);
  expect(Math.sqrt(variance)).toBeLessThan(2.05);
});
