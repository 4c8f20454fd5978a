import { BinaryReader } from '@bufbuild/protobuf/wire';

/** What is done with a field, by its number in ONNX's message. */
type Fields = Readonly<Record<number, (reader: BinaryReader) => void>>;

/**
 * Reads some fields of a message. The others are passed over without being decoded: of a file, all its weights.
 * @throws {Error} for bytes that are no message, or are cut off.
 */
export function readMessage(bytes: Uint8Array, fields: Fields): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    const read = fields[field];
    if (read) read(reader);
    else reader.skip(wireType, field);
  }
}
