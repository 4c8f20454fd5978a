import { DskdError } from '@dskd/base';

const ENDING = '.safetensors';

/** A name may have any letter; of a file name it may not. */
const fileOf = (name: string): string => `${encodeURIComponent(name)}${ENDING}`;

/** The folder of the models in the browser's own file system, which no other site can read. */
async function folder(): Promise<FileSystemDirectoryHandle> {
  const storage = navigator.storage as Partial<StorageManager>;
  if (!storage.getDirectory) {
    throw new DskdError(
      'dependency-missing',
      'This browser has no file system for pages to keep models in.',
      {
        hint: 'Download the model instead.',
      },
    );
  }
  return (await navigator.storage.getDirectory()).getDirectoryHandle('models', { create: true });
}

/** Names of the models that are kept, in their order. */
export async function savedModels(): Promise<string[]> {
  const names: string[] = [];
  for await (const name of (await folder()).keys()) {
    if (name.endsWith(ENDING)) names.push(decodeURIComponent(name.slice(0, -ENDING.length)));
  }
  return names.sort((a, b) => a.localeCompare(b));
}

/** Keeps a model. Until it is written whole, an older one of that name stays. */
export async function saveModel(name: string, bytes: Uint8Array): Promise<void> {
  const handle = await (await folder()).getFileHandle(fileOf(name), { create: true });
  const writable = await handle.createWritable();
  try {
    await writable.write(bytes as Uint8Array<ArrayBuffer>);
    await writable.close();
  } catch (error) {
    await writable.abort().catch(() => undefined);
    throw error;
  }
}

export async function readSaved(name: string): Promise<Uint8Array> {
  const file = await (await (await folder()).getFileHandle(fileOf(name))).getFile();
  return new Uint8Array(await file.arrayBuffer());
}

export async function removeSaved(name: string): Promise<void> {
  await (await folder()).removeEntry(fileOf(name));
}
