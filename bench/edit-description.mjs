import { Buffer } from 'node:buffer';

/** The bytes of a detector's file with another description: `change` edits it in place. */
export function editDescription(bytes, change) {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString());
  const description = JSON.parse(header.__metadata__.dskd);
  change(description);
  header.__metadata__.dskd = JSON.stringify(description);
  const text = Buffer.from(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const result = new Uint8Array(8 + padded + bytes.length - 8 - length);
  new DataView(result.buffer).setBigUint64(0, BigInt(padded), true);
  result.fill(0x20, 8, 8 + padded);
  result.set(text, 8);
  result.set(bytes.subarray(8 + length), 8 + padded);
  return result;
}
