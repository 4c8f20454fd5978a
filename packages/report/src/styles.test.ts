import { createHash } from 'node:crypto';
import { STYLES, STYLES_SHA256 } from './styles.js';

test('the hash in the content security policy is that of the style sheet', () => {
  expect(STYLES_SHA256).toBe(createHash('sha256').update(STYLES).digest('base64'));
});

/** The colors of a scheme by name, from the custom properties in the `index`-th block. */
function colorsOf(index: number): Record<string, string> {
  const block = [...STYLES.matchAll(/:root \{([^}]*)\}/g)][index]![1]!;
  const pairs = [...block.matchAll(/--(\w+): (#[0-9a-f]{6})/g)];
  return Object.fromEntries(pairs.map(([, name, value]): [string, string] => [name!, value!]));
}

/** Relative luminance, WCAG 2.2. */
function luminance(color: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = parseInt(color.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [lighter, darker] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (lighter + 0.05) / (darker + 0.05);
}

describe.each([
  ['light', 0],
  ['dark', 1],
])('%s', (_, index) => {
  const colors = colorsOf(index);
  const grounds = ['page', 'card'].map((name) => colors[name]!);

  test.each(['text', 'muted', 'link', 'right', 'wrong'])('%s has enough contrast', (name) => {
    for (const ground of grounds) expect(contrast(colors[name]!, ground)).toBeGreaterThanOrEqual(4.5);
  });

  test.each(['good', 'anomalous', 'fused', 's0', 's1', 's2', 's3', 'focus'])(
    '%s has enough contrast for graphics',
    (name) => {
      for (const ground of grounds) expect(contrast(colors[name]!, ground)).toBeGreaterThanOrEqual(3);
    },
  );

  test('labels on the alarm side have enough contrast', () => {
    expect(contrast(colors.text!, colors.alarm!)).toBeGreaterThanOrEqual(4.5);
  });
});
