import { InvalidArgumentError } from 'commander';

/** Parsers of option values for commander: what was got, what was wanted. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new InvalidArgumentError('Wanted a whole number above 0.');
  return value;
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError('Wanted a whole number, 0 or more.');
  }
  return value;
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('Wanted a number above 0.');
  return value;
}

export function finiteNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Wanted a number.');
  return value;
}

/** Between 0 and 1, both excluded. */
export function fraction(text: string): number {
  const value = positiveNumber(text);
  if (value >= 1) throw new InvalidArgumentError('Wanted a number above 0 and below 1.');
  return value;
}

/** `256` or `320x192` (height x width), in pixels. */
export function inputSize(text: string): [number, number] {
  const match = /^(\d+)(?:x(\d+))?$/.exec(text);
  const height = Number(match?.[1]);
  const width = Number(match?.[2] ?? match?.[1]);
  if (!match || height < 32 || width < 32) {
    throw new InvalidArgumentError(
      'Wanted pixels such as 256, or height x width such as 320x192, at least 32.',
    );
  }
  return [height, width];
}
