import { DskdError } from '@dskd/base';
import { findGpu, gpuHint, importNative, isInstalled, publishGpu } from '#platform';
import * as tf from '@tensorflow/tfjs-core';
import { isSoftwareAdapter } from './software-adapter.js';

/** Names of the backends. `node` and `node-gpu` are those of tfjs-node and tfjs-node-gpu. */
const BACKEND_NAMES = ['webgpu', 'wasm', 'cpu', 'node', 'node-gpu'] as const;
export type BackendName = (typeof BACKEND_NAMES)[number];

/** Backends that `auto` tries, in this order. `cpu` is thirty times slower than wasm and therefore last. */
const AUTOMATIC: readonly BackendName[] = ['webgpu', 'wasm', 'cpu'];

export interface BackendOptions {
  /**
   * Where a browser finds the `.wasm` files of `@tensorflow/tfjs-backend-wasm`: the URL of a folder, or a URL for each
   * file name. Has no effect after the wasm backend has started. Not needed in Node.
   */
  readonly wasmPaths?: string | Readonly<Record<string, string>>;
}

export interface RejectedBackend {
  readonly name: BackendName;
  readonly reason: string;
}

export interface SelectedBackend {
  readonly name: BackendName;
  /** Description of the GPU adapter; `undefined` without an adapter. */
  readonly adapter: string | undefined;
  /** Whether the adapter is a GPU that the CPU emulates. */
  readonly software: boolean;
  /** Backends that `auto` tried before this one, and why it did not select them. */
  readonly rejected: readonly RejectedBackend[];
}

export interface ProbedBackend {
  readonly name: BackendName;
  readonly available: boolean;
  /** Why it is not available; `undefined` if it is. */
  readonly reason: string | undefined;
  readonly adapter: string | undefined;
  readonly software: boolean;
}

interface Adapter {
  readonly gpu: GPU;
  readonly description: string;
  readonly software: boolean;
}

const PACKAGES: Readonly<Record<BackendName, string>> = {
  webgpu: '@tensorflow/tfjs-backend-webgpu',
  wasm: '@tensorflow/tfjs-backend-wasm',
  cpu: '@tensorflow/tfjs-backend-cpu',
  node: '@tensorflow/tfjs-node',
  'node-gpu': '@tensorflow/tfjs-node-gpu',
};

/**
 * Selects the current backend of tfjs-core and loads its package if needed. `auto` selects WebGPU if there is a
 * hardware adapter, else wasm, else cpu. It never selects a software adapter, which is much slower than wasm.
 *
 * @param name a {@link BackendName} or `auto`. Any other string is an error.
 * @throws {DskdError} `backend-unavailable` with what was tried, why it failed and what to install.
 * @throws {DskdError} `invalid-argument` for another name.
 */
export async function selectBackend(name: string, options: BackendOptions = {}): Promise<SelectedBackend> {
  if (name !== 'auto' && !isBackendName(name)) {
    throw new DskdError(
      'invalid-argument',
      `Got backend '${name}'; wanted auto, ${BACKEND_NAMES.join(', ')}.`,
      { details: { name } },
    );
  }
  const rejected: RejectedBackend[] = [];
  for (const candidate of name === 'auto' ? AUTOMATIC : [name]) {
    try {
      const adapter = candidate === 'webgpu' ? await findAdapter() : undefined;
      if (name === 'auto' && adapter?.software) {
        throw unavailable(`${adapter.description} is a software adapter, slower than wasm`);
      }
      await start(candidate, adapter, options);
      return {
        name: candidate,
        adapter: adapter?.description,
        software: adapter?.software ?? false,
        rejected,
      };
    } catch (error) {
      if (name !== 'auto') throw error;
      rejected.push({ name: candidate, reason: reasonOf(error) });
    }
  }
  throw new DskdError(
    'backend-unavailable',
    `No backend could be started: ${rejected.map((entry) => `${entry.name}: ${entry.reason}`).join('; ')}.`,
    { hint: `Install one: npm install ${PACKAGES.wasm}`, details: { rejected } },
  );
}

/** Returns which backends can be selected here. Does not change the current backend. */
export async function probeBackends(): Promise<ProbedBackend[]> {
  const probed: ProbedBackend[] = [];
  for (const name of BACKEND_NAMES) {
    let adapter: Adapter | undefined;
    let reason: string | undefined;
    try {
      if (!isLoaded(name) && !isInstalled(PACKAGES[name])) throw notInstalled(name);
      if (name === 'webgpu') adapter = await findAdapter();
    } catch (error) {
      reason = reasonOf(error);
    }
    probed.push({
      name,
      available: reason === undefined,
      reason,
      adapter: adapter?.description,
      software: adapter?.software ?? false,
    });
  }
  return probed;
}

async function findAdapter(): Promise<Adapter> {
  let gpu: GPU | undefined;
  try {
    gpu = await findGpu();
  } catch (error) {
    throw unavailable('WebGPU could not be loaded', gpuHint, error);
  }
  if (!gpu) throw unavailable('there is no WebGPU here', gpuHint);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw unavailable(
      'WebGPU found no adapter',
      'Check that a graphics driver (Vulkan on Linux) is installed.',
    );
  }
  const { vendor, architecture, device, description } = adapter.info;
  const words = [vendor, architecture, device, description].filter((word) => word !== '');
  return {
    gpu,
    description: words.join(' ') || 'unnamed adapter',
    software: isSoftwareAdapter(adapter.info),
  };
}

async function start(
  name: BackendName,
  adapter: Adapter | undefined,
  options: BackendOptions,
): Promise<void> {
  // The package of tfjs registers its backend only if it finds the GPU while it loads.
  if (adapter) publishGpu(adapter.gpu);
  try {
    await load(name, options);
  } catch (error) {
    throw isInstalled(PACKAGES[name])
      ? unavailable(`${PACKAGES[name]} could not be loaded`, undefined, error)
      : notInstalled(name, error);
  }
  if (!(await tf.setBackend(registryName(name)))) {
    throw unavailable(
      `the ${name} backend did not start`,
      name === 'wasm' ? 'In a browser, say where the .wasm files are: { wasmPaths }.' : undefined,
    );
  }
  if (name === 'wasm') refuseWhenHeapIsFull(tf.backend() as unknown as WasmBackend);
}

async function load(name: BackendName, { wasmPaths }: BackendOptions): Promise<void> {
  switch (name) {
    case 'webgpu':
      await import('@tensorflow/tfjs-backend-webgpu');
      break;
    case 'wasm': {
      const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
      // setWasmPaths throws after the backend has started; the paths have no effect then.
      if (wasmPaths !== undefined && !isRunning('wasm')) setWasmPaths(wasmPaths);
      break;
    }
    case 'cpu':
      await import('@tensorflow/tfjs-backend-cpu');
      break;
    case 'node':
    case 'node-gpu':
      await importNative(PACKAGES[name]);
  }
}

function isBackendName(name: string): name is BackendName {
  return (BACKEND_NAMES as readonly string[]).includes(name);
}

function registryName(name: BackendName): string {
  return name === 'node' || name === 'node-gpu' ? 'tensorflow' : name;
}

function isLoaded(name: BackendName): boolean {
  return !name.startsWith('node') && registryName(name) in tf.engine().registryFactory;
}

function isRunning(name: BackendName): boolean {
  return registryName(name) in tf.engine().registry;
}

function notInstalled(name: BackendName, cause?: unknown): DskdError {
  return unavailable(`${PACKAGES[name]} is not installed`, `npm install ${PACKAGES[name]}`, cause);
}

function unavailable(message: string, hint?: string, cause?: unknown): DskdError {
  return new DskdError('backend-unavailable', message, {
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { hint } = error as Partial<DskdError>;
  return hint === undefined ? error.message : `${error.message} (${hint})`;
}

/** The part of tfjs's wasm backend that is used here. */
interface WasmBackend {
  readonly wasm: {
    _malloc(bytes: number): number;
    _free(address: number): void;
    readonly HEAPU8: Uint8Array;
  };
}

/** Size of the address space of wasm: addresses have 32 bits. */
const ADDRESSES = 2 ** 32;

const guarded = new WeakSet<WasmBackend>();

/**
 * Makes a failed allocation throw an error. tfjs itself uses the 0 that `malloc` then returns as an address and
 * overwrites the start of the heap, which gives wrong numbers or a crash much later.
 */
function refuseWhenHeapIsFull(backend: WasmBackend): void {
  if (guarded.has(backend)) return;
  guarded.add(backend);
  const { wasm } = backend;
  // The first call makes emscripten replace a stub by the real function. It must not replace our function later.
  wasm._free(wasm._malloc(1));
  const malloc = wasm._malloc.bind(wasm);
  wasm._malloc = (bytes) => {
    // wasm takes the lower 32 bits of the number: 4 GiB and one byte would become one byte.
    const address = bytes < ADDRESSES ? malloc(bytes) : 0;
    if (address !== 0 || bytes === 0) return address;
    throw new DskdError(
      'out-of-memory',
      `The wasm heap has no room for a tensor of ${mebibytes(bytes)}: it holds ${mebibytes(wasm.HEAPU8.byteLength)} of at most 4096 MiB.`,
      {
        hint: 'Use a smaller input size, batch or network, or the webgpu backend.',
        details: { bytes, heapBytes: wasm.HEAPU8.byteLength },
      },
    );
  };
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
