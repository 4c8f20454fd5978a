import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { FLOAT } from './heap.js';

/** The most memory that kept factors take. */
const MOST_BYTES = 128 * 2 ** 20;

interface Kept {
  readonly key: string;
  readonly address: number;
  readonly bytes: number;
}

/** Memory of the backend that belongs to no tensor. */
interface Memory {
  _malloc(bytes: number): number;
  _free(address: number): void;
}

/**
 * Right factors as they were packed, for factors that are used more than once: the weights of a network that is not trained.
 * Packing a factor that is used once more would be no gain, and takes as much memory again. What is stored in a tensor never
 * changes, so that its id, and what part of it was packed, is all that a kept factor depends on.
 */
class KeptPanels {
  readonly #kept = new Map<object, Kept>();
  /** What was packed of factors at their first use. Others that share their memory are not kept. */
  readonly #firstUses = new WeakMap<object, string>();
  #bytes = 0;

  constructor(private readonly backend: BackendWasm) {}

  /**
   * @param pack writes the packed factor, `elements` numbers, to an address.
   * @returns undefined where the factor is not kept.
   */
  find(dataId: object, key: string, elements: number, pack: (address: number) => void): Kept | undefined {
    const kept = this.#kept.get(dataId);
    if (kept?.key === key) {
      // The least recently used comes first.
      this.#kept.delete(dataId);
      this.#kept.set(dataId, kept);
      return kept;
    }
    const first = this.#firstUses.get(dataId);
    const bytes = elements * FLOAT;
    if (first === undefined) this.#firstUses.set(dataId, key);
    if (first !== key || bytes > MOST_BYTES) return undefined;
    this.#makeRoom(bytes);
    const address = this.#memory._malloc(bytes) >>> 0;
    if (address === 0) return undefined;
    const added = { key, address, bytes };
    this.#kept.set(dataId, added);
    this.#bytes += bytes;
    pack(address);
    return added;
  }

  #makeRoom(bytes: number): void {
    for (const dataId of this.#kept.keys()) if (!this.backend.dataIdMap.has(dataId)) this.#free(dataId);
    for (const dataId of this.#kept.keys()) {
      if (this.#bytes + bytes <= MOST_BYTES) break;
      this.#free(dataId);
    }
  }

  #free(dataId: object): void {
    const { address, bytes } = this.#kept.get(dataId)!;
    this.#memory._free(address);
    this.#kept.delete(dataId);
    this.#bytes -= bytes;
  }

  get #memory(): Memory {
    return this.backend.wasm as unknown as Memory;
  }
}

const byBackend = new WeakMap<object, KeptPanels>();

/** The kept factors in the memory of this backend. */
export function keptPanels(backend: BackendWasm): KeptPanels {
  const { wasm } = backend;
  const kept = byBackend.get(wasm) ?? new KeptPanels(backend);
  byBackend.set(wasm, kept);
  return kept;
}
