// Engines differ in the last bit of Math.sin, exp, pow and the like, and a last bit can become another byte of a
// image. Here there is only what IEEE 754 fixes: + - * / and the square root. The functions of Math are bound
// once a module: inside a test runner's sandbox each look-up of a global is dear.

const { floor, sqrt } = Math;

const FULL_TURN = 6.283185307179586;

/** Sine of an angle in radians, the same bits on every platform; off by at most 1e-7. */
export function sine(radians: number): number {
  const turns = radians / FULL_TURN;
  let turn = turns - floor(turns + 0.5);
  if (turn > 0.25) turn = 0.5 - turn;
  else if (turn < -0.25) turn = -0.5 - turn;
  const x = turn * FULL_TURN;
  const s = x * x;
  return x * (1 + s * (-1 / 6 + s * (1 / 120 + s * (-1 / 5040 + s * (1 / 362880 - s / 39916800)))));
}

/** Cosine of an angle in radians, as {@link sine}. */
export function cosine(radians: number): number {
  return sine(radians + FULL_TURN / 4);
}

export function clamp(value: number, low = 0, high = 1): number {
  return value < low ? low : value > high ? high : value;
}

/** 0 below `from`, 1 above `to`, a cubic between. */
export function smoothStep(from: number, to: number, value: number): number {
  const t = clamp((value - from) / (to - from));
  return t * t * (3 - 2 * t);
}

export function length(x: number, y: number): number {
  return sqrt(x * x + y * y);
}

export function degrees(angle: number): number {
  return (angle * FULL_TURN) / 360;
}
