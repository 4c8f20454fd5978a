import type { PixelBuffer } from '@dskd/base';

/** Letters of three by five dots: a digit a row, its bits from left to right. */
const GLYPHS: Readonly<Record<string, string>> = {
  a: '25755',
  b: '65656',
  c: '34443',
  d: '65556',
  e: '74647',
  f: '74644',
  g: '34553',
  h: '55755',
  i: '72227',
  j: '11152',
  k: '55655',
  l: '44447',
  m: '57755',
  n: '75555',
  o: '25552',
  p: '65644',
  q: '25563',
  r: '65655',
  s: '34216',
  t: '72222',
  u: '55557',
  v: '55552',
  w: '55775',
  x: '55255',
  y: '55222',
  z: '71247',
};

/** Writes small letters in black, `dot` pixels a dot; every other character is a blank. */
export function writeText(on: PixelBuffer, text: string, left: number, top: number, dot: number): void {
  for (let position = 0; position < text.length; position++) {
    const rows = GLYPHS[text.charAt(position)] ?? '00000';
    for (let y = 0; y < 5 * dot; y++) {
      const bits = Number(rows[Math.floor(y / dot)]);
      for (let x = 0; x < 3 * dot; x++) {
        if (!(bits & (4 >> Math.floor(x / dot)))) continue;
        const column = left + position * 4 * dot + x;
        const at = ((top + y) * on.width + column) * 3;
        if (column < on.width) on.data.fill(20, at, at + 3);
      }
    }
  }
}
