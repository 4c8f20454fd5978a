import { availableParallelism } from 'node:os';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DskdError, type PixelBuffer } from '@dskd/base';
import { selectBackend } from '@dskd/core/backends';
import type { ImageSource } from '@dskd/data';
import { decodeImage, type NamedFolders, openSource, writeFileAtomically } from '@dskd/data/node';
import type { Execution } from '@dskd/methods';
import { workerRunnerFor } from '@dskd/methods/node';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { OpenOptions } from '../images.js';
import type { DecodeOptions, Encoded } from './encoded.js';

/** Makes a backend the current one, able to train. @returns its name. */
export async function startBackend(name: string): Promise<string> {
  const selected = await selectBackend(name);
  if (selected.name === 'wasm') registerWasmGradients();
  return selected.name;
}

/** A thread for each network where there are cores for it; a GPU is not shared between threads. */
export function threads(backend: string): Execution {
  return backend !== 'webgpu' && availableParallelism() > 1 ? { runner: workerRunnerFor() } : {};
}

/** @throws {DskdError} `image-unreadable`, `file-not-found`, `aborted` */
export async function decode(image: Encoded, { signal, ...options }: DecodeOptions): Promise<PixelBuffer> {
  if (typeof image === 'string') {
    return /^(https?|file):/.test(image)
      ? decode(new URL(image), { ...options, signal })
      : decodeImage(image, options);
  }
  if (image instanceof URL) {
    return decodeImage(
      image.protocol === 'file:' ? fileURLToPath(image) : await bytesAt(image, signal),
      options,
    );
  }
  if (image instanceof Uint8Array) return decodeImage(image, options);
  if (image instanceof Blob) return decodeImage(new Uint8Array(await image.arrayBuffer()), options);
  throw new DskdError('invalid-argument', 'Got an image that Node cannot read.', {
    hint: 'Give a path, a URL, encoded bytes, or pixels { data, width, height }.',
  });
}

async function bytesAt(url: URL, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const response = await fetch(url, signal ? { signal } : {});
  if (!response.ok) {
    throw new DskdError('file-not-found', `Fetching ${url.href} gave status ${response.status}.`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** A folder or manifest of images. */
export function openPath(root: string, { category, signal, label }: OpenOptions): Promise<ImageSource> {
  return openSource({
    root,
    ...(category !== undefined && { category }),
    ...(label && { label }),
    ...(signal && { signal }),
  });
}

/** Folders of which the caller says what they contain. */
export function openFolders(folders: NamedFolders, signal: AbortSignal | undefined): Promise<ImageSource> {
  return openSource({ folders, ...(signal && { signal }) });
}

/** The bytes of a model file. */
export async function readModel(file: string | URL): Promise<Uint8Array> {
  if (file instanceof URL && file.protocol !== 'file:') return bytesAt(file, undefined);
  return readFile(file).catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read ${String(file)}.`, {
      cause,
      hint: 'Check the path and its permissions.',
    });
  });
}

/** Writes to a temporary file beside `file`, then renames it. */
export async function writeModel(file: string, bytes: Uint8Array): Promise<void> {
  await writeFileAtomically(file, bytes);
}
