import { ByteReader, invalidWeights, quoted } from '../byte-reader.js';
import type { MemoryLimit } from '../memory-limit.js';
import { unpickle } from '../pickle/pickle-machine.js';
import { readEntry } from '../zip/read-entry.js';
import type { ZipArchive } from '../zip/zip-archive.js';
import { findTorchGlobal } from './torch-globals.js';
import { storageId, type StorageId, TORCH_FILE, TorchStorage } from './torch-types.js';

const PICKLE = /^[^/]+\/data\.pkl$/;

/** Whether the archive was written by `torch.save` of PyTorch 1.6 or later. */
export function isTorchZip(archive: ZipArchive): boolean {
  return [...archive.entries.keys()].some((name) => PICKLE.test(name));
}

function openStorage(
  archive: ZipArchive,
  folder: string,
  { type, key, byteLength }: StorageId,
): TorchStorage {
  const entry = archive.entries.get(`${folder}/data/${key}`);
  if (!entry) throw invalidWeights(TORCH_FILE, `its storage ${quoted(key)} is missing.`);
  if (entry.size !== byteLength) {
    throw invalidWeights(
      TORCH_FILE,
      `its storage ${quoted(key)} has ${entry.size} bytes; its pickle expects ${byteLength}.`,
    );
  }
  // Tensors share the storage, so it is inflated once and owned by none of them.
  let bytes: Uint8Array | undefined;
  return new TorchStorage(type, byteLength, (limit) => {
    bytes ??= readEntry(archive, entry, limit).bytes;
    return { bytes, owned: false };
  });
}

function refuseBigEndian(archive: ZipArchive, folder: string, limit: MemoryLimit): void {
  const entry = archive.entries.get(`${folder}/byteorder`);
  if (!entry) return;
  const little = 'little';
  // The size is checked first, so that a large entry is not inflated.
  if (entry.size === little.length) {
    const { bytes } = readEntry(archive, entry, limit);
    if (bytes.every((byte, index) => byte === little.charCodeAt(index))) return;
  }
  throw invalidWeights(TORCH_FILE, 'its byte order is not little-endian.');
}

/**
 * Returns the object of a PyTorch zip archive, with tensors as {@link StoredTensor}. The storages are not read yet. As
 * in PyTorch, the checksums of entries that are not deflated are not verified, because files can be saved without them.
 * @throws {DskdError} `weights-invalid`
 */
export function readTorchZip(archive: ZipArchive, limit: MemoryLimit): unknown {
  const names = [...archive.entries.keys()];
  const pickles = names.filter((name) => PICKLE.test(name));
  if (pickles.length !== 1)
    throw invalidWeights(TORCH_FILE, `it has ${pickles.length} files with the name data.pkl.`);
  const folder = pickles[0]!.slice(0, pickles[0]!.indexOf('/'));
  if (archive.entries.has(`${folder}/constants.pkl`)) {
    throw invalidWeights(TORCH_FILE, 'it is a TorchScript program, not weights.', {
      hint: "Save its weights in Python: torch.save(torch.jit.load(file).state_dict(), 'weights.pth').",
    });
  }
  refuseBigEndian(archive, folder, limit);
  const storages = new Map<string, TorchStorage>();
  const pickle = readEntry(archive, archive.entries.get(pickles[0]!)!, limit);
  return unpickle(new ByteReader(pickle.bytes, TORCH_FILE), {
    findGlobal: findTorchGlobal,
    loadPersistent: (id) => {
      const wanted = storageId(id);
      const storage = storages.get(wanted.key) ?? openStorage(archive, folder, wanted);
      if (storage.type !== wanted.type || storage.byteLength !== wanted.byteLength) {
        throw invalidWeights(
          TORCH_FILE,
          `its storage ${quoted(wanted.key)} is used with two types or lengths.`,
        );
      }
      storages.set(wanted.key, storage);
      return storage;
    },
  });
}
