/** The embedded teacher: what it is called, which file it is, and its bytes. */
export interface TeacherTiny {
  /** The backbone of `@dskd/models` that the weights belong to. */
  readonly name: 'teacher-tiny';
  /** SHA-256 of the weight file, hexadecimal. */
  readonly sha256: string;
  /**
   * The weight file: safetensors under torchvision's names, filters in float16. A new array at each call; needs no
   * network.
   */
  load(): Promise<Uint8Array>;
}
