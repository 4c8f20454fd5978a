import fc from 'fast-check';
import { Area, cropPixels } from './area.js';

const image = { width: 640, height: 480 };

test.each<[string, object]>([
  ['320,0,100,480', { left: 320, top: 0, width: 100, height: 480 }],
  [' 0, 0, 640, 480 ', { left: 0, top: 0, width: 640, height: 480 }],
  ['0.25,0.0,0.5,1.0', { left: 160, top: 0, width: 320, height: 480 }],
  ['0.0,0.0,0.0001,0.0001', { left: 0, top: 0, width: 1, height: 1 }],
])('%s', (text, wanted) => {
  expect(new Area(text).in(image)).toEqual(wanted);
});

test.each<[string, string]>([
  ['1,2,3', 'these are 3 numbers'],
  ['a,0,1,1', 'not all are numbers'],
  ['-1,0,1,1', 'not all are numbers'],
  ['0.5,0,1,1', 'some numbers have a point'],
  ['0,0,0,5', 'it is empty'],
  ['0.5,0.0,0.6,1.0', 'it ends outside'],
])('%s is refused', (text, message) => {
  expect(() => new Area(text)).toThrow(message);
});

test('an image that is too small is refused', () => {
  expect(() => new Area('600,0,100,10').in(image)).toThrow('an image of 640 x 480 pixels is too small');
});

test('each pixel of a part is that of the image, and fractions stay inside', () => {
  const side = fc.integer({ min: 1, max: 12 });
  const offset = fc.integer({ min: 0, max: 999 }).map((value) => value / 1000);
  const share = fc.integer({ min: 1, max: 1000 }).map((value) => value / 1000);
  fc.assert(
    fc.property(
      side,
      side,
      fc.constantFrom(1, 3, 4),
      offset,
      offset,
      share,
      share,
      (width, height, channels, x, y, w, h) => {
        const data = Uint8Array.from({ length: width * height * channels }, (_, index) => index);
        const numbers = [x, y, w * (1 - x), h * (1 - y)].map((value) => value.toFixed(6));
        const area = new Area(numbers.join(',')).in({ width, height });
        expect(area.left + area.width).toBeLessThanOrEqual(width);
        expect(area.top + area.height).toBeLessThanOrEqual(height);
        const part = cropPixels({ data, width, height, channels }, area);
        expect(part).toMatchObject({ width: area.width, height: area.height, channels });
        for (let row = 0; row < area.height; row++) {
          for (let column = 0; column < area.width * channels; column++) {
            const from = ((area.top + row) * width + area.left) * channels + column;
            expect(part.data[row * area.width * channels + column]).toBe(data[from]);
          }
        }
      },
    ),
  );
});
