import type { LoadOptions } from '@dskd/data';

/** An image that has to be decoded. */
export type Encoded = string | URL | Uint8Array | ImageBitmapSource;

export type DecodeOptions = LoadOptions & { readonly signal?: AbortSignal | undefined };
