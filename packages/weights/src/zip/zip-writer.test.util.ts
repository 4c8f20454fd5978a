import { deflateSync } from 'fflate';
import { crc32 } from './read-entry.js';

export interface ZipPart {
  name: string;
  data: Uint8Array;
  deflate?: boolean;
  /** Wrong values for the directory. */
  wrong?: Partial<Record<'size' | 'storedSize' | 'crc' | 'headerStart' | 'flags' | 'method', number>>;
  /** Another name for the local header. */
  localName?: string;
  /** Stores sizes and offset in a zip64 extra field. */
  zip64?: boolean;
  /** Length of the extra field in the local header, in bytes. */
  padding?: number;
}

class Writer {
  readonly #pieces: Uint8Array[] = [];
  length = 0;

  add(width: 2 | 4 | 8, ...values: number[]): void {
    for (const value of values)
      this.append(new Uint8Array(BigUint64Array.of(BigInt(value)).buffer, 0, width));
  }

  append(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.length += bytes.length;
  }

  get bytes(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    let start = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, start);
      start += piece.length;
    }
    return bytes;
  }
}

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Returns a zip archive, optionally with invalid records. */
export function writeZip(
  parts: readonly ZipPart[],
  {
    zip64 = false,
    comment = '',
    entries = parts.length,
  }: { zip64?: boolean; comment?: string; entries?: number } = {},
): Uint8Array {
  const file = new Writer();
  const directory = new Writer();
  for (const part of parts) {
    const { data, deflate = false, wrong = {}, padding = 0 } = part;
    const stored = deflate ? deflateSync(data) : data;
    const actual = {
      size: data.length,
      storedSize: stored.length,
      crc: crc32(data),
      headerStart: file.length,
      flags: 0,
      method: deflate ? 8 : 0,
    };
    const written = { ...actual, ...wrong };
    const name = utf8(part.name);
    const localName = utf8(part.localName ?? part.name);
    const large = part.zip64 ?? false;

    file.add(4, 0x04034b50);
    file.add(2, 45, written.flags, actual.method, 0, 0);
    file.add(4, actual.crc, large ? 0xffffffff : actual.storedSize, large ? 0xffffffff : actual.size);
    file.add(2, localName.length, padding);
    file.append(localName);
    file.append(new Uint8Array(padding));
    file.append(stored);

    directory.add(4, 0x02014b50);
    directory.add(2, 45, 45, written.flags, written.method, 0, 0);
    directory.add(4, written.crc, large ? 0xffffffff : written.storedSize, large ? 0xffffffff : written.size);
    directory.add(2, name.length, large ? 28 + 6 : 0, 0, 0, 0);
    directory.add(4, 0, large ? 0xffffffff : written.headerStart);
    directory.append(name);
    if (large) {
      // Starts with another field, which the reader must skip.
      directory.add(2, 0x5455, 2, 0, 1, 24);
      directory.add(8, written.size, written.storedSize, written.headerStart);
    }
  }
  const start = file.length;
  file.append(directory.bytes);
  if (zip64) {
    const record = file.length;
    file.add(4, 0x06064b50);
    file.add(8, 44);
    file.add(2, 45, 45);
    file.add(4, 0, 0);
    file.add(8, entries, entries, directory.length, start);
    file.add(4, 0x07064b50, 0);
    file.add(8, record);
    file.add(4, 1);
  }
  const small = !zip64;
  file.add(4, 0x06054b50);
  file.add(2, 0, 0, small ? entries : 0xffff, small ? entries : 0xffff);
  file.add(4, small ? directory.length : 0xffffffff, small ? start : 0xffffffff);
  file.add(2, utf8(comment).length);
  file.append(utf8(comment));
  return file.bytes;
}
