import { deflateSync } from 'fflate';
import { crc32 } from './read-entry.js';

export interface ZipPart {
  name: string;
  data: Uint8Array;
  deflate?: boolean;
  /** What the directory says instead of the truth. */
  lie?: Partial<Record<'size' | 'storedSize' | 'crc' | 'headerStart' | 'flags' | 'method', number>>;
  /** What the entry's own header says instead. */
  localName?: string;
  /** Sizes and place in a zip64 extra field, in the directory and before the data. */
  zip64?: boolean;
  /** Bytes of extra field before the data. */
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

/** A zip archive with full control over what its records say. */
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
    const { data, deflate = false, lie = {}, padding = 0 } = part;
    const stored = deflate ? deflateSync(data) : data;
    const truth = {
      size: data.length,
      storedSize: stored.length,
      crc: crc32(data),
      headerStart: file.length,
      flags: 0,
      method: deflate ? 8 : 0,
    };
    const said = { ...truth, ...lie };
    const name = utf8(part.name);
    const localName = utf8(part.localName ?? part.name);
    const large = part.zip64 ?? false;

    file.add(4, 0x04034b50);
    file.add(2, 45, said.flags, truth.method, 0, 0);
    file.add(4, truth.crc, large ? 0xffffffff : truth.storedSize, large ? 0xffffffff : truth.size);
    file.add(2, localName.length, padding);
    file.append(localName);
    file.append(new Uint8Array(padding));
    file.append(stored);

    directory.add(4, 0x02014b50);
    directory.add(2, 45, 45, said.flags, said.method, 0, 0);
    directory.add(4, said.crc, large ? 0xffffffff : said.storedSize, large ? 0xffffffff : said.size);
    directory.add(2, name.length, large ? 28 + 6 : 0, 0, 0, 0);
    directory.add(4, 0, large ? 0xffffffff : said.headerStart);
    directory.append(name);
    if (large) {
      // Another field first, which is to be passed over.
      directory.add(2, 0x5455, 2, 0, 1, 24);
      directory.add(8, said.size, said.storedSize, said.headerStart);
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
