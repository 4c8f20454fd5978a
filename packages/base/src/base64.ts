/** Maximum number of characters made by one call, because the number of arguments of a call is limited. */
const BLOCK = 0x8000;

/** Base64 text encoding, in Node and in browsers. */
export const base64 = {
  /** Encodes bytes as text, with padding. */
  encode(bytes: Uint8Array): string {
    let binary = '';
    for (let start = 0; start < bytes.length; start += BLOCK) {
      binary += String.fromCharCode(...bytes.subarray(start, start + BLOCK));
    }
    return btoa(binary);
  },

  /**
   * Decodes a text.
   * @throws {DOMException} `InvalidCharacterError` for text that is not base64.
   */
  decode(text: string): Uint8Array<ArrayBuffer> {
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
    return bytes;
  },
};
