import { createHash } from 'node:crypto';
import { isDskdError, type PixelBuffer } from '@dskd/base';
import { fingerprintSamples, sourceOf } from './fingerprint.js';
import type { Sample } from './samples.js';

const pixels = (value: number, channels: number): PixelBuffer => ({
  data: new Uint8Array(4 * channels).fill(value),
  width: 2,
  height: 2,
  channels,
});

function sample(id: string, changes: Partial<Sample> = {}): Sample {
  return {
    id,
    split: 'train',
    label: 'good',
    defectType: 'good',
    load: () => Promise.resolve(pixels(7, 3)),
    ...changes,
  };
}

const file = (digit: string): { sha256: string; file: string } => ({
  sha256: digit.repeat(64),
  file: `/somewhere/${digit}`,
});

test('matches the documented definition', async () => {
  const samples = [
    sample('b', { origin: file('f') }),
    sample('a', {
      split: 'test',
      label: 'anomalous',
      defectType: 'dent',
      origin: file('0'),
      maskOrigin: file('1'),
    }),
  ];
  const lines = [
    `["test","anomalous","dent","${'0'.repeat(64)}","${'1'.repeat(64)}"]`,
    `["train","good","good","${'f'.repeat(64)}",null]`,
  ];
  expect(await fingerprintSamples(samples)).toBe(createHash('sha256').update(lines.join('\n')).digest('hex'));
});

test('changes with contents, masks, labels, splits and defect types; not with names, locations or order', async () => {
  const base = [sample('a', { origin: file('a') }), sample('b', { origin: file('b') })];
  const first = await fingerprintSamples(base);
  expect(await fingerprintSamples([...base].reverse())).toBe(first);
  const elsewhere = [
    sample('y/b', { origin: { sha256: 'b'.repeat(64) } }),
    sample('y/a', { origin: { ...file('a'), file: '/other' } }),
  ];
  expect(await fingerprintSamples(elsewhere)).toBe(first);
  const changes: Partial<Sample>[] = [
    { origin: file('c') },
    { maskOrigin: file('c') },
    { label: 'anomalous' },
    { split: 'validation' },
    { defectType: 'dent' },
  ];
  const all = await Promise.all(
    changes.map((change) => fingerprintSamples([{ ...base[0]!, ...change }, base[1]!])),
  );
  expect(new Set([first, ...all, await fingerprintSamples([base[0]!])]).size).toBe(changes.length + 2);
});

test('samples without a file are identified by their pixels', async () => {
  const seen = await Promise.all([
    fingerprintSamples([sample('a')]),
    fingerprintSamples([sample('a', { load: () => Promise.resolve(pixels(8, 3)) })]),
    fingerprintSamples([
      sample('a', { load: () => Promise.resolve({ ...pixels(7, 3), width: 4, height: 1 }) }),
    ]),
    fingerprintSamples([sample('a', { loadMask: () => Promise.resolve(pixels(1, 1)) })]),
    fingerprintSamples([sample('a', { loadMask: () => Promise.resolve(pixels(0, 1)) })]),
  ]);
  expect(new Set(seen).size).toBe(5);
  expect(await fingerprintSamples([sample('b')])).toBe(seen[0]);
});

test('sourceOf refuses two samples with the same id', () => {
  expect(() => sourceOf('x', [sample('a'), sample('a')])).toThrow('two samples with the id a');
});

test('stops when aborted', async () => {
  const source = sourceOf('x', [sample('a')]);
  const error: unknown = await source.fingerprint({ signal: AbortSignal.abort() }).catch((e: unknown) => e);
  expect(isDskdError(error, 'aborted')).toBe(true);
});

test('reports the missing dependency in a page that is not a secure context', async () => {
  const subtle = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(crypto) as object, 'subtle')!;
  Object.defineProperty(crypto, 'subtle', { value: undefined, configurable: true });
  try {
    const error: unknown = await fingerprintSamples([sample('a')]).catch((e: unknown) => e);
    expect(isDskdError(error, 'dependency-missing')).toBe(true);
  } finally {
    delete (crypto as unknown as Record<string, unknown>).subtle;
    expect(Object.getOwnPropertyDescriptor(Object.getPrototypeOf(crypto) as object, 'subtle')).toEqual(
      subtle,
    );
  }
});
