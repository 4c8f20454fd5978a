/** A matrix inside a larger array: row `r` begins at `offset + r * rowStride`. */
export interface MatrixPlace {
  readonly values: Float32Array;
  readonly offset: number;
  readonly rowStride: number;
}

// Sixteen floats are one cache line of the target; and sixteen source rows stay in the first-level cache
// even where their distance is a large power of two.
const ROW_BLOCK = 16;

/** `target[c, r] = source[r, c]` for a source of `rows` x `columns`. */
export function transposeInto(source: MatrixPlace, rows: number, columns: number, target: MatrixPlace): void {
  const from = source.values;
  const to = target.values;
  const fromStride = source.rowStride;
  const toStride = target.rowStride;
  const blocked = columns - (columns % 4);
  for (let first = 0; first < rows; first += ROW_BLOCK) {
    const last = Math.min(first + ROW_BLOCK, rows);
    const fromBlock = source.offset + first * fromStride;
    for (let c = 0; c < blocked; c += 4) {
      let i = fromBlock + c;
      let t0 = target.offset + c * toStride + first;
      let t1 = t0 + toStride;
      let t2 = t1 + toStride;
      let t3 = t2 + toStride;
      for (let r = first; r < last; r++) {
        to[t0++] = from[i]!;
        to[t1++] = from[i + 1]!;
        to[t2++] = from[i + 2]!;
        to[t3++] = from[i + 3]!;
        i += fromStride;
      }
    }
    for (let c = blocked; c < columns; c++) {
      let i = fromBlock + c;
      let t = target.offset + c * toStride + first;
      for (let r = first; r < last; r++) {
        to[t++] = from[i]!;
        i += fromStride;
      }
    }
  }
}

/** `target[r, c] = source[r, c]` for `rows` x `columns`. */
export function copyInto(source: MatrixPlace, rows: number, columns: number, target: MatrixPlace): void {
  const from = source.values;
  const to = target.values;
  for (let r = 0; r < rows; r++) {
    let i = source.offset + r * source.rowStride;
    let t = target.offset + r * target.rowStride;
    for (let c = 0; c < columns; c++) to[t++] = from[i++]!;
  }
}

/** `target += addend`, element by element. */
export function addInto(target: Float32Array, addend: Float32Array): void {
  for (let i = 0; i < target.length; i++) target[i]! += addend[i]!;
}
