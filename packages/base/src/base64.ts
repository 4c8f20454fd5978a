/** Characters made by one call: the number of arguments of a call is limited. */
const BLOCK = 0x8000;

/** The bytes as base64 text, with padding. Works in Node and in browsers. */
export function encodeBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let start = 0; start < bytes.length; start += BLOCK) {
    binary += String.fromCharCode(...bytes.subarray(start, start + BLOCK));
  }
  return btoa(binary);
}

/**
 * The bytes of base64 text, as {@link encodeBase64} writes it.
 * @throws {DOMException} `InvalidCharacterError` for text that is not base64.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
