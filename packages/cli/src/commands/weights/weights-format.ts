function textAt(bytes: Uint8Array, start: number, length: number): string {
  return new TextDecoder('latin1').decode(bytes.subarray(start, start + length));
}

/** What kind of file these bytes are, for people; they have been read as weights already. */
export function formatOf(bytes: Uint8Array): string {
  if (textAt(bytes, 1, 5) === 'NUMPY') return 'NumPy .npy';
  if (textAt(bytes, 0, 2) === 'PK') {
    // The name of a zip archive's first member stands at 30, its length at 26.
    const first = textAt(bytes, 30, bytes[26]! + 256 * bytes[27]!);
    return first.endsWith('.npy') ? 'NumPy .npz' : 'PyTorch .pth (zip)';
  }
  return bytes[8] === 0x7b ? 'safetensors' : 'PyTorch .pth (legacy stream)';
}
