import { Progress } from './progress.js';

function shown(isTTY: boolean, epochs: number): string {
  let text = '';
  const progress = new Progress({ isTTY, write: (part: string) => (text += part) });
  const students = ['local', 'global'];
  progress.listener({ type: 'training-start', epochs, stepsPerEpoch: 2, samples: 4, students });
  for (let epoch = 0; epoch < epochs; epoch++) {
    const losses = { local: 2 / (epoch + 1), global: 0.01 };
    for (const step of [2 * epoch, 2 * epoch + 1])
      progress.listener({ type: 'step-end', epoch, step, losses, samples: 2 });
    progress.listener({ type: 'epoch-end', epoch, losses });
  }
  progress.listener({ type: 'image-scored', id: 'a', index: 0, total: 2, score: 1 });
  return text;
}

test('without a terminal a long training takes a few plain lines, the last epoch among them', () => {
  const lines = shown(false, 50).trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(9);
  expect(lines.at(-1)).toBe('  epoch 50 of 50, mean loss local 0.0400, global 0.0100, 0:00 left');
  expect(lines.join()).not.toContain('\x1b');
});

test('a terminal sees every step on one line', () => {
  const text = shown(true, 2);
  expect(text).toContain('\r\x1b[2K  step 3 of 4, loss local 1.00, global 0.0100, 0:00 left');
  expect(text).toMatch(/1 of 2, 0:\d\d left$/);
  expect(text.split('\n').length).toBe(3);
});
