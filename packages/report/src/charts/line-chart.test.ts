import { linearAxis } from './axes.js';
import { lineChart } from './line-chart.js';

function points(x: number[], y: number[], to: number): [number, number][] {
  const { text } = lineChart({
    id: 'chart',
    title: 'title',
    explanation: 'explanation.',
    x: linearAxis(0, to),
    y: linearAxis(0, 1),
    xLabel: 'x',
    yLabel: 'y',
    measure: 'area',
    lines: [{ name: 'one', value: '0.5', style: 'series-fused', curve: { x, y } }],
  });
  const list = /points="([^"]*)"/.exec(text)![1]!;
  return list.split(' ').map((pair) => pair.split(',').map(Number) as [number, number]);
}

// The plot area is 46..388 horizontally and 240..10 vertically.
test('a curve reaches from corner to corner', () => {
  expect(points([0, 0.5, 1], [0, 1, 1], 1)).toEqual([
    [46, 240],
    [217, 10],
    [388, 10],
  ]);
});

test('a curve is clipped at the end of the axis, by interpolation', () => {
  expect(points([0, 1], [0, 1], 0.5)).toEqual([
    [46, 240],
    [388, 125],
  ]);
  expect(points([0, 0.5, 1], [0, 1, 1], 0.5)).toEqual([
    [46, 240],
    [388, 10],
  ]);
});
