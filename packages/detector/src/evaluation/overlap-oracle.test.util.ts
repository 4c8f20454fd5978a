/** What an overlap metric is told of one image. */
export interface OracleImage {
  readonly map: Float32Array;
  /** Not 0 where a pixel does not count. */
  readonly ignored: Uint8Array;
  readonly regions: readonly { readonly mask: Uint8Array; readonly saturationArea: number }[];
  /** Regions whose pixels are no background, although they are not to be found. */
  readonly otherMasks?: readonly Uint8Array[];
}

function trapezoid(points: readonly (readonly [number, number])[], limit: number): number {
  let area = 0;
  for (let i = 1; i < points.length; i++) {
    const [x0, y0] = points[i - 1]!;
    const [x1, y1] = points[i]!;
    if (x0 >= limit) break;
    const end = Math.min(x1, limit);
    const yEnd = x1 === x0 ? y1 : y0 + ((y1 - y0) * (end - x0)) / (x1 - x0);
    area += ((end - x0) * (y0 + yEnd)) / 2;
  }
  return area / limit;
}

/** Areas under false-positive rate and mean saturated overlap, by counting anew at each distinct score. */
export function overlapAreasByCounting(images: readonly OracleImage[], limits: readonly number[]): number[] {
  const background: number[] = [];
  const regions: { scores: number[]; saturationArea: number }[] = [];
  for (const { map, ignored, regions: own, otherMasks = [] } of images) {
    const masks = [...own.map(({ mask }) => mask), ...otherMasks];
    map.forEach((score, i) => {
      if (!ignored[i] && masks.every((mask) => !mask[i])) background.push(score);
    });
    for (const { mask, saturationArea } of own) {
      const scores = [...map].filter((_, i) => mask[i] && !ignored[i]);
      if (scores.length > 0)
        regions.push({ scores, saturationArea: Math.min(saturationArea, scores.length) });
    }
  }
  const all = [...new Set([...background, ...regions.flatMap(({ scores }) => scores)])].sort((a, b) => b - a);
  const above = (scores: readonly number[], threshold: number): number =>
    scores.reduce((count, score) => (score > threshold ? count + 1 : count), 0);
  const points = [...all, -Infinity].map((threshold): [number, number] => [
    above(background, threshold) / background.length,
    regions.reduce(
      (sum, { scores, saturationArea }) => sum + Math.min(above(scores, threshold) / saturationArea, 1),
      0,
    ) / regions.length,
  ]);
  return limits.map((limit) => trapezoid(points, limit));
}

/** The 8-connected components of a mask, by flooding. */
export function componentsByFlooding(mask: Uint8Array, width: number, height: number): Uint8Array[] {
  const left = Uint8Array.from(mask, (value) => (value ? 1 : 0));
  const components: Uint8Array[] = [];
  for (let start = left.indexOf(1); start >= 0; start = left.indexOf(1)) {
    const component = new Uint8Array(mask.length);
    const flood = (x: number, y: number): void => {
      const i = y * width + x;
      if (x < 0 || y < 0 || x >= width || y >= height || !left[i]) return;
      left[i] = 0;
      component[i] = 1;
      for (const [dx, dy] of [-1, 0, 1].flatMap((a) => [-1, 0, 1].map((b) => [a, b] as const))) {
        flood(x + dx, y + dy);
      }
    };
    flood(start % width, Math.floor(start / width));
    components.push(component);
  }
  return components;
}
