import { DskdError } from '@dskd/base';

/** What is used of tfjs's wasm backend. */
export interface WasmBackend {
  readonly wasm: {
    _malloc(bytes: number): number;
    _free(address: number): void;
    readonly HEAPU8: Uint8Array;
  };
}

/** A wasm heap is addressed by 32 bits. */
const ADDRESSES = 2 ** 32;

const guarded = new WeakSet<WasmBackend>();

/**
 * Makes an allocation that fails an error. tfjs itself takes the 0 that `malloc` then returns for an address
 * and writes the tensor over whatever lies at the start of the heap: wrong numbers, or a crash much later.
 */
export function refuseWhenHeapIsFull(backend: WasmBackend): void {
  if (guarded.has(backend)) return;
  guarded.add(backend);
  const { wasm } = backend;
  // The first call makes emscripten put the real function in the place of a stub: not in the place of ours.
  wasm._free(wasm._malloc(1));
  const malloc = wasm._malloc.bind(wasm);
  wasm._malloc = (bytes) => {
    // Larger numbers lose their upper bits on the way in: 4 GiB and a byte would become one byte.
    const address = bytes < ADDRESSES ? malloc(bytes) : 0;
    if (address !== 0 || bytes === 0) return address;
    throw new DskdError(
      'out-of-memory',
      `The wasm heap has no room for a tensor of ${mebibytes(bytes)}: it holds ${mebibytes(wasm.HEAPU8.byteLength)} of at most 4096 MiB.`,
      {
        hint: 'Take a smaller preset, input size or batch, train the students apart, or use the webgpu backend.',
        details: { bytes, heapBytes: wasm.HEAPU8.byteLength },
      },
    );
  };
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
