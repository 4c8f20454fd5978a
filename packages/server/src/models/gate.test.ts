import { Gate } from './gate.js';

const code = (wanted: string, details: object = {}): Error =>
  expect.objectContaining({ code: wanted, details: expect.objectContaining(details) as object }) as Error;

test('as many images as workers and queue take have places; the next one is refused with seconds to wait', () => {
  const gate = new Gate(2, 3);
  const back = [gate.take(2), gate.take(1), gate.take(2)];
  expect([gate.taken, gate.waiting]).toEqual([5, 3]);
  expect(() => gate.assertRoom()).toThrow(
    code('queue-full', { images: 1, waiting: 3, queue: 3, retryAfter: 1 }),
  );
  expect(() => gate.take(1)).toThrow(code('queue-full'));
  back[0]!();
  back[0]!();
  expect(gate.taken).toBe(3);
  gate.assertRoom();
  expect(() => gate.take(3)).toThrow(code('queue-full'));
  for (const each of back) each();
  expect([gate.taken, gate.waiting]).toEqual([0, 0]);
});

test('more images than there are places are never taken', () => {
  const gate = new Gate(1, 1);
  expect(() => gate.take(3)).toThrow(code('too-large', { most: 2 }));
  expect(gate.taken).toBe(0);
});

test('Retry-After follows the times of images', () => {
  const gate = new Gate(1, 1);
  for (let count = 0; count < 50; count++) gate.learn(4.2);
  expect(gate.retryAfter).toBe(5);
  for (let count = 0; count < 50; count++) gate.learn(0.01);
  expect(gate.retryAfter).toBe(1);
});
