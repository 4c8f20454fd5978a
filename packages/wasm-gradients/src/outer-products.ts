import { assembleModule, code, type Code } from '@dskd/base/web-assembly';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

/** Sides of the tile that {@link OuterProducts} computes: rows along `x`, columns along `dy`. */
export const TILE_ROWS = 4;
export const TILE_COLUMNS = 8;

/** Number of positions for which both factors stay in the second-level cache while all tiles are computed. */
export const BLOCK_POSITIONS = 128;

/**
 * `out[i, j] += sum over positions of x[position, i] * dy[position, j]` for one tile of 4 x 8. Positions are
 * `images` times `height` times `width`. All addresses and distances are in bytes; a skip is the distance between
 * the end of a row (of an image) and the start of the next.
 */
export type OuterProducts = (
  x: number,
  dy: number,
  out: number,
  outStride: number,
  width: number,
  xStep: number,
  dyStep: number,
  height: number,
  xRowSkip: number,
  dyRowSkip: number,
  images: number,
  xImageSkip: number,
  dyImageSkip: number,
) => void;

// A WebAssembly module with one function on the backend's memory, assembled below. The computation needs SIMD, which
// JavaScript does not have, and XNNPACK needs more time to pack such a factor than to multiply it.
const PARAMETERS = 13;
const [X, DY, OUT, OUT_STRIDE, WIDTH, X_STEP, DY_STEP] = [0, 1, 2, 3, 4, 5, 6];
const [HEIGHT, X_ROW_SKIP, DY_ROW_SKIP, IMAGES, X_IMAGE_SKIP, DY_IMAGE_SKIP] = [7, 8, 9, 10, 11, 12];
const COLUMN_COUNT = PARAMETERS;
const ROW_COUNT = PARAMETERS + 1;
const SUMS = PARAMETERS + 2;
const RIGHT = SUMS + 8;
const LEFT = RIGHT + 2;

const { get, set, vectorAt, repeat } = code;
const load = (offset: number): Code => vectorAt(0, offset);
const loadSplat = (offset: number): Code => vectorAt(9, offset);
const store = (offset: number): Code => vectorAt(11, offset);
const ADD_F32X4 = code.vector(228);
const MULTIPLY_F32X4 = code.vector(230);
const advance = (local: number, by: number): Code => code.advance(local, get(by));

function multiplyPosition(): Code {
  const body = [...get(DY), ...load(0), ...set(RIGHT), ...get(DY), ...load(16), ...set(RIGHT + 1)];
  for (let i = 0; i < TILE_ROWS; i++) {
    body.push(...get(X), ...loadSplat(4 * i), ...set(LEFT));
    for (let j = 0; j < 2; j++) {
      const sum = SUMS + 2 * i + j;
      body.push(...get(LEFT), ...get(RIGHT + j), ...MULTIPLY_F32X4, ...get(sum), ...ADD_F32X4, ...set(sum));
    }
  }
  return [...body, ...advance(X, X_STEP), ...advance(DY, DY_STEP)];
}

function addSumsToTile(): Code {
  const body: number[] = [];
  for (let i = 0; i < TILE_ROWS; i++) {
    for (let j = 0; j < 2; j++) {
      body.push(
        ...get(OUT),
        ...get(OUT),
        ...load(16 * j),
        ...get(SUMS + 2 * i + j),
        ...ADD_F32X4,
        ...store(16 * j),
      );
    }
    body.push(...advance(OUT, OUT_STRIDE));
  }
  return body;
}

function functionBody(): Code {
  const row = [
    ...get(WIDTH),
    ...set(COLUMN_COUNT),
    ...repeat(COLUMN_COUNT, multiplyPosition()),
    ...advance(X, X_ROW_SKIP),
    ...advance(DY, DY_ROW_SKIP),
  ];
  const image = [
    ...get(HEIGHT),
    ...set(ROW_COUNT),
    ...repeat(ROW_COUNT, row),
    ...advance(X, X_IMAGE_SKIP),
    ...advance(DY, DY_IMAGE_SKIP),
  ];
  return [...repeat(IMAGES, image), ...addSumsToTile()];
}

const instances = new WeakMap<object, OuterProducts | undefined>();

/**
 * Returns the function for the memory of this backend; undefined if the engine has no SIMD or the backend does not
 * expose its memory (as its multi-threaded build).
 */
export function outerProductsOf(backend: BackendWasm): OuterProducts | undefined {
  const { wasm } = backend;
  if (!instances.has(wasm)) instances.set(wasm, instantiate(wasm));
  return instances.get(wasm);
}

function instantiate(wasm: object): OuterProducts | undefined {
  const memory = (wasm as { asm?: { memory?: WebAssembly.Memory } }).asm?.memory;
  const bytes = assembleModule(
    [{ name: 'outerProducts', parameters: PARAMETERS, integers: 2, vectors: 11, body: functionBody() }],
    'import',
  );
  // Not instanceof: the memory may come from another realm. Shared memory would need another module.
  const isPlain = Object.prototype.toString.call(memory?.buffer) === '[object ArrayBuffer]';
  if (!memory || !isPlain || !WebAssembly.validate(bytes)) return undefined;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return exports.outerProducts as OuterProducts;
}
