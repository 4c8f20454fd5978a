import type { DskdEvent } from '@dskd/base';
import { jest } from '@jest/globals';
import { endOutput } from './print.js';
import {
  countRenderer,
  formatDuration,
  ProgressBar,
  progressRenderer,
  type ProgressStream,
} from './progress.js';

// The bar is redrawn by a timer, a few times a second.
beforeEach(() => jest.useFakeTimers({ now: 0 }));
afterEach(() => {
  endOutput();
  jest.useRealTimers();
});

interface Stage {
  readonly written: string[];
  readonly at: (seconds: number, ...events: DskdEvent[]) => void;
}

/** A stream that records what is written, and a clock that is set manually. */
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
      jest.advanceTimersByTime(1000);
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

/** The visible text on the terminal, without control sequences. */
const shown = (written: readonly string[]): string[] =>
  // oxlint-disable-next-line no-control-regex -- control sequences begin with a control character
  written.map((text) => text.replace(/\x1b(?:\[\d*[A-Z]|[78])/g, '')).filter((text) => text !== '');

test('on a terminal a bar is redrawn: bar, losses, rate, time left', () => {
  const { written, at } = stage(true, 100);
  at(0, start);
  at(2, step(0));
  at(4, step(1));
  expect(shown(written)).toEqual([
    'training local and global on 16 images: 2 epochs, 8 steps\n',
    '[##..............] 1/8  local 0.512  global 1.50  0.50 steps/s, 14s left',
    '[####............] 2/8  local 0.512  global 1.50  0.50 steps/s, 12s left',
  ]);
  expect(written).toContain('\x1b[1G');
});

test('with a time limit there is no number of epochs, and the time left is that of the limit', () => {
  const { written, at } = stage(true, 100);
  at(0, { ...start, epochs: 100_000, timeLimit: 60_000 });
  at(2, step(0));
  at(10, { type: 'epoch-end', epoch: 0, losses: { local: 0.5 } });
  expect(shown(written)).toEqual([
    'training local and global on 16 images: 1m00s, 4 steps in an epoch\n',
    'step 1  local 0.512  global 1.50  0.50 steps/s, 58s left',
    'epoch 1: local 0.500  0.10 steps/s, 50s left\n',
  ]);
});

test('an epoch shows the loss of images that were kept back', () => {
  const { written, at } = stage(false);
  at(0, start);
  at(8, step(0), step(1), step(2), step(3), {
    type: 'epoch-end',
    epoch: 0,
    losses: { local: 0.5 },
    heldOut: { local: 0.75 },
  });
  expect(written.at(-1)).toBe('epoch 1/2: local 0.500  held out: local 0.750  0.50 steps/s, 8s left\n');
});

test('lines are printed above the bar, which reappears with the next step', () => {
  const { written, at } = stage(true, 100);
  at(0, start, step(0), { type: 'warning', message: 'short' }, step(1));
  const lines = shown(written);
  expect(lines.slice(-2)).toEqual([expect.stringContaining('short\n'), expect.stringContaining('2/8')]);
  expect(
    written
      .slice(
        0,
        written.findIndex((text) => text.includes('short')),
      )
      .at(-1),
  ).toBe('\x1b[2K');
});

test('a resumed run counts the steps of this process', () => {
  const { written, at } = stage(true, 100);
  at(0, start);
  at(1, step(5));
  expect(shown(written).at(-1)).toContain('6/8');
  expect(shown(written).at(-1)).toContain('1.00 steps/s, 2s left');
});

test('the line is cut to the width of the terminal, so that it never wraps', () => {
  const { written, at } = stage(true, 30);
  at(0, start);
  at(1, step(0));
  expect(shown(written).at(-1)).toHaveLength(30);
});

test('without a terminal: plain lines, one per epoch, with rate and time left; no line is rewritten', () => {
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

test('scoring shows its progress, and leaves an empty line', () => {
  const { written, at } = stage(true, 80);
  const scored = (index: number): DskdEvent => ({ type: 'image-scored', id: 'x', index, total: 2, score: 1 });
  at(0);
  at(1, scored(0));
  at(2, scored(1));
  expect(shown(written)[0]).toContain('scored 1/2');
  expect(written.at(-1)).toBe('\x1b[2K');
  const quiet = stage(false);
  quiet.at(1, scored(0), scored(1));
  expect(quiet.written).toEqual([]);
});

const part = (stage: string, done: number, total: number): DskdEvent => ({
  type: 'fit-progress',
  stage,
  done,
  total,
});

test('a fit without epochs: a bar for images with rate and time left, then each part; lines show the duration of each', () => {
  const { written, at } = stage(true, 100);
  at(0);
  at(2, part('features', 8, 32));
  at(8, part('features', 32, 32));
  at(9, part('local', 40, 100));
  at(11, part('local', 100, 100), part('local', 100, 100), part('pooled', 100, 100));
  at(12, { type: 'calibration-start', samples: 4 });
  expect(shown(written).map((text) => text.trimEnd())).toEqual([
    '[####............] features 8/32  4.00 images/s, 6s left',
    '[################] features 32/32  4.00 images/s, 0s left',
    'features of 32 images: 8s',
    '[######..........] fitting local: 40 %',
    '[################] fitting local: 100 %',
    'fitted local: 3s',
    '[################] fitting pooled: 100 %',
    'fitted pooled: 0s',
    'calibrating on 4 good images',
  ]);
});

test('without a terminal a fit without epochs prints a line for each part', () => {
  const { written, at } = stage(false);
  at(3, part('features', 8, 16), part('features', 16, 16));
  at(5, part('global', 50, 100), { type: 'calibration-start', samples: 4 });
  expect(written).toEqual([
    'features of 16 images: 3s\n',
    'fitted global: 2s\n',
    'calibrating on 4 good images\n',
  ]);
});

function counted(isTTY: boolean): string[] {
  const written: string[] = [];
  const count = countRenderer('drawn', { isTTY, write: (text) => written.push(text) });
  for (let i = 0; i < 3; i++) count(3);
  return written;
}

test('a count leaves no line on a terminal, and prints nothing without one', () => {
  const written = counted(true);
  expect(shown(written)[0]).toBe('[#####...........] drawn 1/3');
  expect(shown(written).at(-1)).toBe('[################] drawn 3/3');
  expect(written.at(-1)).toBe('\x1b[2K');
  expect(counted(false)).toEqual([]);
});

test('the bar stops at the end of the program: no timer keeps the process alive', () => {
  const bar = new ProgressBar({ isTTY: true, write: () => true });
  bar.show('half', 1, 2);
  expect(jest.getTimerCount()).toBe(1);
  endOutput();
  expect(jest.getTimerCount()).toBe(0);
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

test('images that are read: a bar with rate and time left, then a line', () => {
  const { written, at } = stage(true);
  const read = (done: number): DskdEvent => ({ type: 'image-read', id: `${done}.png`, done, total: 4 });
  at(1, read(1));
  at(2, read(2));
  expect(shown(written).join('\n')).toMatch(/read 2\/4 {2}[\d.]+ images\/s, \d+s left/);
  at(5, read(3), read(4));
  expect(written.join('')).toContain('read 4 images: 4s\n');
});

test('a part that the images do not suit was not fitted', () => {
  const { written, at } = stage(false);
  const part = (name: string, done: number): DskdEvent => ({
    type: 'fit-progress',
    stage: name,
    done,
    total: 100,
  });
  at(1, part('local', 100));
  at(3, part('pieces', 50), part('pieces', 100), { type: 'branch-left-out', branch: 'pieces' });
  at(4, { type: 'calibration-start', samples: 3 });
  expect(written.join('')).toBe(
    'fitted local: 1s\nleft out pieces, which the images do not suit: 2s\ncalibrating on 3 good images\n',
  );
});

test('the engine that was chosen: how it computes, and why', () => {
  const { written, at } = stage(false);
  const chosen = { type: 'engine-chosen', reason: 'it is there' } as const;
  at(1, { ...chosen, engine: 'tfjs', workers: 0, threads: 1 });
  at(1, { ...chosen, engine: 'onnx', workers: 1, threads: 2 });
  at(1, { ...chosen, engine: 'onnx', workers: 4, threads: 1 });
  expect(written.join('')).toBe(
    'engine tfjs, 1 thread: it is there\n' +
      'engine onnx, 1 worker of 2 threads: it is there\n' +
      'engine onnx, 4 workers of 1 thread: it is there\n',
  );
});
