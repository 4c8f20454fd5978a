import { ByteReader, invalidWeights, quoted } from '../byte-reader.js';
import { elementBytes } from '../stored-tensor.js';
import { type PickleHost, unpickle } from '../pickle/pickle-machine.js';
import { moduleClass, storageId, TORCH_FILE, TorchStorage, type TorchType } from './torch-types.js';
import { findTorchGlobal } from './torch-globals.js';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/** Host of the pickles that must not refer to storages. */
const NO_STORAGES: PickleHost = {
  findGlobal: findTorchGlobal,
  loadPersistent: () => {
    throw invalidWeights(TORCH_FILE, 'its header refers to storages.');
  },
};

function readHead(reader: ByteReader): void {
  if (unpickle(reader, NO_STORAGES) !== MAGIC) {
    throw reader.fail('it is a pickle that was not written by torch.save.');
  }
  const protocol = unpickle(reader, NO_STORAGES);
  if (protocol !== PROTOCOL) throw reader.fail(`its protocol is not ${PROTOCOL}.`);
  const system = unpickle(reader, NO_STORAGES);
  if (!(system instanceof Map) || system.get('little_endian') !== true) {
    throw reader.fail('its byte order is not little-endian.');
  }
}

/** A storage whose bytes follow after the pickle that refers to it. */
interface Awaited {
  readonly storage: TorchStorage;
  bytes: Uint8Array | undefined;
}

function awaitStorage(type: TorchType, key: string, byteLength: number): Awaited {
  const awaited: Awaited = {
    bytes: undefined,
    storage: new TorchStorage(type, byteLength, () => {
      if (awaited.bytes === undefined)
        throw invalidWeights(TORCH_FILE, `its storage ${quoted(key)} is missing.`);
      return { bytes: awaited.bytes, owned: false };
    }),
  };
  return awaited;
}

/**
 * Returns a part of a storage.
 * @param view `(key, start, count)`, in elements
 * @throws {DskdError} `weights-invalid`
 */
function viewOf(storage: TorchStorage, view: unknown): TorchStorage {
  const [, from, count] = Array.isArray(view) ? (view as unknown[]) : [];
  const start = storage.type.bytesOf(from);
  const length = storage.type.bytesOf(count);
  if (start + length > storage.byteLength) {
    throw invalidWeights(TORCH_FILE, 'a view ends outside its storage.');
  }
  return new TorchStorage(storage.type, length, (limit) => ({
    bytes: storage.read(limit).bytes.subarray(start, start + length),
    owned: false,
  }));
}

function readStorages(reader: ByteReader, storages: ReadonlyMap<string, Awaited>): void {
  const keys = unpickle(reader, NO_STORAGES);
  if (!Array.isArray(keys)) throw reader.fail('its list of storages is missing.');
  for (const key of keys as unknown[]) {
    const awaited = storages.get(key as string);
    if (!awaited || awaited.bytes) {
      throw reader.fail('it lists a storage that is not used, or lists a storage twice.');
    }
    const { type, byteLength } = awaited.storage;
    const stored = reader.uint64() * elementBytes(type.dtype);
    if (stored !== byteLength) {
      throw reader.fail(
        `its storage ${quoted(key as string)} has ${stored} bytes; its pickle expects ${byteLength}.`,
      );
    }
    awaited.bytes = reader.take(stored);
  }
  if (reader.remaining > 0) throw reader.fail(`${reader.remaining} bytes follow its last storage.`);
}

/**
 * Returns the object of a file in PyTorch's format before 1.6: five pickles (magic number, protocol, system
 * information, object, list of storages), followed by the storages. Tensors are returned as {@link StoredTensor}.
 * @throws {DskdError} `weights-invalid`
 */
export function readTorchLegacy(bytes: Uint8Array): unknown {
  const reader = new ByteReader(bytes, TORCH_FILE);
  readHead(reader);
  const storages = new Map<string, Awaited>();
  const root = unpickle(reader, {
    findGlobal: findTorchGlobal,
    loadPersistent: (id) => {
      const module = moduleClass(id);
      if (module) return module;
      const { type, key, byteLength, view } = storageId(id);
      const awaited = storages.get(key) ?? awaitStorage(type, key, byteLength);
      const { storage } = awaited;
      if (storage.type !== type || storage.byteLength !== byteLength) {
        throw reader.fail(`its storage ${quoted(key)} is used with two types or lengths.`);
      }
      storages.set(key, awaited);
      return view === undefined || view === null ? storage : viewOf(storage, view);
    },
  });
  readStorages(reader, storages);
  return root;
}
