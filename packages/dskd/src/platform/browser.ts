import { DskdError, type PixelBuffer } from '@dskd/base';
import { selectBackend } from '@dskd/core/backends';
import type { ImageSource } from '@dskd/data';
import { decodeImage } from '@dskd/data/web';
import type { NamedFolders } from '@dskd/data/node';
import type { Execution } from '@dskd/methods';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { DecodeOptions, Encoded } from './encoded.js';

// Each URL is spelled out so that bundlers find the file, copy it and give it its final name.
const wasmPaths = {
  'tfjs-backend-wasm.wasm': new URL('../wasm/tfjs-backend-wasm.wasm', import.meta.url).href,
  'tfjs-backend-wasm-simd.wasm': new URL('../wasm/tfjs-backend-wasm-simd.wasm', import.meta.url).href,
  'tfjs-backend-wasm-threaded-simd.wasm': new URL(
    '../wasm/tfjs-backend-wasm-threaded-simd.wasm',
    import.meta.url,
  ).href,
};

/** Makes a backend the current one, able to train. @returns its name. */
export async function startBackend(name: string): Promise<string> {
  const selected = await selectBackend(name, { wasmPaths });
  if (selected.name === 'wasm') registerWasmGradients();
  return selected.name;
}

/** A page trains in its own thread. */
export function threads(): Execution {
  return {};
}

/** @throws {DskdError} `image-unreadable`, `file-not-found`, `aborted` */
export function decode(image: Encoded, { signal, ...given }: DecodeOptions): Promise<PixelBuffer> {
  const options = { ...given, ...(signal && { signal }) };
  if (typeof image === 'string') return decodeImage(new URL(image, location.href), options);
  if (image instanceof Uint8Array) return decodeImage(new Blob([image as Uint8Array<ArrayBuffer>]), options);
  return decodeImage(image, options);
}

function noFiles(what: string): DskdError {
  return new DskdError('invalid-argument', `Got the path ${what}; a page has no access to files by path.`, {
    hint: 'Give the File objects of an input element, URLs, or images in memory.',
  });
}

export function openPath(root: string): Promise<ImageSource> {
  return Promise.reject(noFiles(root));
}

export function openFolders({ good, bad }: NamedFolders): Promise<ImageSource> {
  return Promise.reject(noFiles(String(good ?? bad)));
}

/** The bytes of a model file at an address. */
export async function readModel(file: string | URL): Promise<Uint8Array> {
  const url = new URL(file, location.href);
  const response = await fetch(url);
  if (!response.ok) {
    throw new DskdError('file-not-found', `Fetching ${url.href} gave status ${response.status}.`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

export function writeModel(file: string): Promise<void> {
  return Promise.reject(noFiles(file));
}
