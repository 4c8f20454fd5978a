/** An image that has to be decoded. */
export type Encoded = string | URL | Uint8Array | ImageBitmapSource;
