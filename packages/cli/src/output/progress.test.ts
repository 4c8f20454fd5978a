import type { DskdEvent } from '@dskd/base';
import { formatDuration, progressRenderer, type ProgressStream } from './progress.js';

interface Stage {
  readonly written: string[];
  readonly at: (seconds: number, ...events: DskdEvent[]) => void;
}

/** A stream that keeps what is written, and a clock that is moved by hand. */
function stage(isTTY: boolean, columns?: number): Stage {
  const written: string[] = [];
  const stream: ProgressStream = {
    isTTY,
    ...(columns !== undefined && { columns }),
    write: (text) => written.push(text),
  };
  let time = 0;
  const render = progressRenderer({ json: false, stream, now: () => time });
  return {
    written,
    at: (seconds: number, ...events: DskdEvent[]): void => {
      time = seconds * 1000;
      events.forEach(render);
    },
  };
}

const start: DskdEvent = {
  type: 'training-start',
  epochs: 2,
  stepsPerEpoch: 4,
  samples: 16,
  students: ['local', 'global'],
};
const step = (index: number): DskdEvent => ({
  type: 'step-end',
  epoch: Math.floor(index / 4),
  step: index,
  losses: { local: 0.51234, global: 1.5 },
  samples: 4,
});

test('on a terminal one line is rewritten: bar, losses, rate, time left', () => {
  const { written, at } = stage(true, 100);
  at(0, start);
  at(2, step(0));
  at(4, step(1));
  expect(written[0]).toBe('\r\x1b[2Ktraining local and global on 16 images: 2 epochs, 8 steps\n');
  expect(written.slice(1)).toEqual([
    '\r\x1b[2K[##..............] 1/8  local 0.512  global 1.50  0.50 steps/s, 14s left',
    '\r\x1b[2K[####............] 2/8  local 0.512  global 1.50  0.50 steps/s, 12s left',
  ]);
});

test('a run that goes on counts the steps of this process', () => {
  const { written, at } = stage(true, 100);
  at(0, start);
  at(1, step(5));
  expect(written.at(-1)).toContain('6/8');
  expect(written.at(-1)).toContain('1.00 steps/s, 2s left');
});

test('the line is cut to the terminal, so that it never wraps', () => {
  const { written, at } = stage(true, 30);
  at(0, start);
  at(1, step(0));
  expect(written.at(-1)!.replace('\r\x1b[2K', '')).toHaveLength(29);
});

test('elsewhere: plain lines, one an epoch, with rate and time left; nothing is rewritten', () => {
  const { written, at } = stage(false);
  at(0, start);
  at(8, step(0), step(1), step(2), step(3), {
    type: 'epoch-end',
    epoch: 0,
    losses: { local: 0.5, global: 1.25 },
  });
  at(9, { type: 'checkpoint-saved', epoch: 0, step: 4 }, { type: 'warning', message: 'short' });
  expect(written).toEqual([
    'training local and global on 16 images: 2 epochs, 8 steps\n',
    'epoch 1/2: local 0.500  global 1.25  0.50 steps/s, 8s left\n',
    'checkpoint saved after step 4\n',
    'warning: short\n',
  ]);
});

test('scoring shows how far it is, and leaves a clean line', () => {
  const { written, at } = stage(true, 80);
  const scored = (index: number): DskdEvent => ({ type: 'image-scored', id: 'x', index, total: 2, score: 1 });
  at(0);
  at(1, scored(0));
  at(2, scored(1));
  expect(written[0]).toContain('scored 1/2');
  expect(written.at(-1)).toBe('\r\x1b[2K');
  const quiet = stage(false);
  quiet.at(1, scored(0), scored(1));
  expect(quiet.written).toEqual([]);
});

test.each([
  [0.4, '0s'],
  [59, '59s'],
  [185, '3m05s'],
  [7800, '2h10m'],
  [3599.7, '1h00m'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});
