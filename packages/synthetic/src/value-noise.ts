const { floor, imul, sqrt } = Math;

/** A number in [0, 1) for a lattice point: murmur3's finalizer over both coordinates and the seed. */
export function latticeValue(column: number, row: number, seed: number): number {
  let hash = (imul(column, 0x9e3779b1) ^ imul(row, 0x85ebca77) ^ imul(seed, 0xc2b2ae3d)) >>> 0;
  hash = imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x100000000;
}

/** Smooth noise in [-1, 1] with one feature a unit. */
export function valueNoise(x: number, y: number, seed: number): number {
  const column = floor(x);
  const row = floor(y);
  const u = x - column;
  const v = y - row;
  const s = u * u * (3 - 2 * u);
  const t = v * v * (3 - 2 * v);
  const a = latticeValue(column, row, seed);
  const b = latticeValue(column + 1, row, seed);
  const c = latticeValue(column, row + 1, seed);
  const d = latticeValue(column + 1, row + 1, seed);
  return 2 * (a + s * (b - a) + t * (c - a + s * (a - b - c + d))) - 1;
}

export interface Cell {
  /** Distance to the middle of the nearest cell, in cells. */
  distance: number;
  /** In [0, 1), one for each cell. */
  identity: number;
}

/** The cell (a jittered lattice's Voronoi diagram) that a point lies in, written into `cell`. */
export function nearestCell(x: number, y: number, seed: number, cell: Cell): void {
  const column = floor(x);
  const row = floor(y);
  let nearest = 8;
  for (let j = row - 1; j <= row + 1; j++) {
    for (let i = column - 1; i <= column + 1; i++) {
      const identity = latticeValue(i, j, seed);
      const dx = i + 0.5 + 0.7 * (identity - 0.5) - x;
      const dy = j + 0.5 + 0.7 * (latticeValue(i, j, seed + 1) - 0.5) - y;
      const squared = dx * dx + dy * dy;
      if (squared >= nearest) continue;
      nearest = squared;
      cell.identity = identity;
    }
  }
  cell.distance = sqrt(nearest);
}
