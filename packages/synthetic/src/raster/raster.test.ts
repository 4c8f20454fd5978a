import { plain } from './paint.js';
import { Canvas } from './canvas.js';
import { cameraView, PIXEL_VIEW } from './view.js';
import {
  band,
  circle,
  convex,
  difference,
  ellipse,
  grown,
  intersection,
  jaggedHalfPlane,
  placed,
  PLANE,
  polygon,
  rectangle,
  regularPoints,
  squeezed,
  stroke,
  union,
  type Shape,
} from './shape.js';

const STILL = { angle: 0, zoom: 1, dx: 0, dy: 0 };
const AREA = 3.14159265 * 0.3 * 0.3;

/** Area of an image that a shape covers. */
function covered(shape: Shape, view = STILL): number {
  const canvas = new Canvas(200, cameraView(200, view));
  canvas.fill(shape, plain([1, 1, 1]));
  return canvas.pixels.reduce((sum, value) => sum + value, 0) / canvas.pixels.length;
}

test.each<[string, Shape, number]>([
  ['circle', circle(0.5, 0.5, 0.3), AREA],
  ['rectangle', rectangle(0.51, 0.47, 0.213, 0.118), 4 * 0.213 * 0.118],
  ['rounded rectangle', rectangle(0.5, 0.5, 0.3, 0.3, 0.3), AREA],
  ['ellipse', ellipse(0.5, 0.5, 0.4, 0.2), 3.14159265 * 0.08],
  [
    'stroke',
    stroke(
      [
        [0.3, 0.5],
        [0.7, 0.5],
      ],
      0.1,
    ),
    0.08 + 3.14159265 * 0.01,
  ],
  [
    'polygon',
    polygon([
      [0.2, 0.2],
      [0.8, 0.2],
      [0.2, 0.8],
    ]),
    0.18,
  ],
  ['hexagon', placed(polygon(regularPoints(6, 0.3)), { x: 0.5, y: 0.5, angle: 0.4 }), 0.2338],
  ['ring', band(circle(0.5, 0.5, 0.2), 0.05), 3.14159265 * 0.04],
  ['grown', grown(circle(0.5, 0.5, 0.2), 0.1), AREA],
  ['union', union(circle(0.5, 0.5, 0.3), circle(0.5, 0.5, 0.1)), AREA],
  ['difference', difference(circle(0.5, 0.5, 0.3), circle(0.5, 0.5, 0.1)), AREA * (1 - 1 / 9)],
  ['squeezed', placed(squeezed(circle(0, 0, 0.4), 0.5), { x: 0.5, y: 0.5, angle: 0.3 }), 3.14159265 * 0.08],
  [
    'convex',
    placed(
      convex([
        [1, 0, 0.3],
        [0, 1, 0.2],
        [-1, 0, 0.1],
        [0, -1, 0.2],
      ]),
      { x: 0.5, y: 0.5, angle: 0.3 },
    ),
    0.16,
  ],
  ['half', intersection(circle(0.5, 0.5, 0.3), jaggedHalfPlane(0.5, 0.5, 1, 1e-6, 1)), AREA / 2],
])('%s: anti-aliasing keeps the area', (_name, shape, area) => {
  expect(Math.abs(covered(shape) / area - 1)).toBeLessThan(0.01);
});

test('a half-plane is on the side that its angle points to', () => {
  const right = jaggedHalfPlane(0.5, 0.5, 0, 0.01, 1);
  expect(right.distance(0.7, 0.5)).toBeLessThan(0);
  expect(right.distance(0.3, 0.5)).toBeGreaterThan(0);
});

test('edges are soft: a quarter of a pixel gives a quarter of the color', () => {
  const canvas = new Canvas(4, cameraView(4, STILL));
  canvas.fill(rectangle(0.5, 0.5, 0.3125, 1), plain([1, 0.5, 0]));
  const row = [0.25, 0.125, 0, 1, 0.5, 0, 1, 0.5, 0, 0.25, 0.125, 0];
  row.forEach((value, i) => expect(canvas.pixels[i]).toBeCloseTo(value, 5));
});

test('the view rotates, scales and moves painted shapes and masks in the same way', () => {
  const spot = circle(0.7, 0.5, 0.05);
  const view = { angle: 1.5707963, zoom: 1.2, dx: 0.05, dy: -0.1 };
  const canvas = new Canvas(200, cameraView(200, view));
  const mask = canvas.mask(spot, 9);
  let sumX = 0;
  let sumY = 0;
  let count = 0;
  mask.forEach((value, i) => {
    if (value === 0) return;
    expect(value).toBe(9);
    sumX += (i % 200) + 0.5;
    sumY += Math.floor(i / 200) + 0.5;
    count++;
  });
  // A clockwise quarter turn moves points on the right of the center below it.
  expect(sumX / count / 200).toBeCloseTo(0.55, 2);
  expect(sumY / count / 200).toBeCloseTo(0.4 + 0.24, 2);
  expect(count / 40000).toBeCloseTo(3.14159 * 0.06 * 0.06, 3);
});

test('a shadow falls to the lower right and darkens by the given amount', () => {
  const canvas = new Canvas(100, cameraView(100, STILL));
  canvas.fill(rectangle(0.5, 0.5, 1, 1), plain([1, 1, 1]));
  canvas.shade(circle(0.5, 0.5, 0.2), { reach: 0.1, softness: 0.02, darkness: 0.5 });
  const at = (x: number, y: number): number => canvas.pixels[(y * 100 + x) * 3]!;
  expect(at(56, 58)).toBeCloseTo(0.5);
  expect(at(50, 32)).toBe(1);
  expect(at(56, 72)).toBeCloseTo(0.5);
});

test('in the pixel view, whole numbers are pixel centers, and nothing is painted outside the clip', () => {
  const canvas = new Canvas(8, PIXEL_VIEW);
  const seen: number[][] = [];
  canvas.fill(
    PLANE,
    (x, y, _distance, out) => {
      seen.push([x, y]);
      out.fill(1);
    },
    { left: 6, top: 5, right: 12, bottom: 7 },
  );
  const places = [
    [6, 5],
    [7, 5],
    [6, 6],
    [7, 6],
  ];
  expect(seen).toEqual(places);
  const painted = places.map(([x, y]) => y! * 8 + x!);
  expect([...canvas.pixels.keys()].filter((at) => canvas.pixels[at] === 1)).toEqual(
    painted.flatMap((at) => [at * 3, at * 3 + 1, at * 3 + 2]),
  );
});
