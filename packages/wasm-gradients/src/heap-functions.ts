import { assembleModule, type AssembledFunction } from '@dskd/base/web-assembly';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

/** What makes the body of a function, without its name. */
type Assembly = () => Omit<AssembledFunction, 'name'>;

const instances = new WeakMap<object, Map<string, unknown>>();

/**
 * Functions of our own on the memory of a backend, assembled at their first use (docs/decisions/0008-kernels-of-our-own-on-wasm.md).
 * @param variant tells functions of the same names apart.
 * @returns undefined if the engine has no SIMD, or the backend does not expose its memory (as its multi-threaded build).
 */
export function functionsOnHeap<T extends object>(
  { wasm }: BackendWasm,
  assemblies: { readonly [Name in keyof T & string]: Assembly },
  variant = 0,
): T | undefined {
  const made = instances.get(wasm) ?? new Map<string, unknown>();
  instances.set(wasm, made);
  const key = [...Object.keys(assemblies), variant].join();
  if (!made.has(key)) made.set(key, instantiate(wasm, assemblies));
  return made.get(key) as T | undefined;
}

function instantiate(wasm: object, assemblies: Readonly<Record<string, Assembly>>): unknown {
  const memory = (wasm as { asm?: { memory?: WebAssembly.Memory } }).asm?.memory;
  // Not instanceof: the memory may come from another realm. The backend's own shared memory would need another module.
  const isPlain = Object.prototype.toString.call(memory?.buffer) === '[object ArrayBuffer]';
  return memory && isPlain ? functionsOn(memory, 'import', assemblies) : undefined;
}

/**
 * Functions of our own on any memory.
 * @param kind of the memory, see {@link assembleModule}.
 * @returns undefined if the engine has no SIMD.
 */
export function functionsOn<T extends object>(
  memory: WebAssembly.Memory,
  kind: Parameters<typeof assembleModule>[1],
  assemblies: { readonly [Name in keyof T & string]: Assembly },
): T | undefined {
  const bytes = assembleModule(
    Object.entries<Assembly>(assemblies).map(([name, assembly]) => ({ name, ...assembly() })),
    kind,
  );
  if (!WebAssembly.validate(bytes)) return undefined;
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports as unknown as T;
}
