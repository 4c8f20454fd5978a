/** The embedded teacher: its name, the hash of its weight file, and the bytes of the file. */
export interface TeacherTiny {
  /** Name of the backbone in `@dskd/models` that the weights belong to. */
  readonly name: 'teacher-tiny';
  /** SHA-256 of the weight file, hexadecimal. */
  readonly sha256: string;
  /**
   * Reads the weight file: safetensors with torchvision's tensor names, filters in float16. Needs no network.
   * @returns a new array at each call.
   */
  load(): Promise<Uint8Array>;
}
