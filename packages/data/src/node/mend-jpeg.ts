/** Bytes of a JPEG from one offset to another. */
interface Span {
  readonly from: number;
  readonly to: number;
}

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP0 = 0xe0;
const APP14 = 0xee;

const isRestart = (marker: number): boolean => marker >= 0xd0 && marker <= 0xd7;
/** Baseline and extended sequential: a scan holds all coefficients. */
const isSequential = (marker: number): boolean => marker === 0xc0 || marker === 0xc1;

function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Offset of the next marker other than a restart at or after `from`; the end of the bytes if there is none. */
function endOfScan(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next !== undefined && next !== 0 && next !== 0xff && !isRestart(next)) return at;
  }
  return bytes.length;
}

/** Offset of the marker that follows `from`, as libjpeg looks for it; undefined if there is none. */
function nextMarker(bytes: Uint8Array, from: number): number | undefined {
  for (
    let at = bytes.indexOf(0xff, from);
    at >= 0 && at + 1 < bytes.length;
    at = bytes.indexOf(0xff, at + 1)
  ) {
    if (bytes[at + 1] !== 0 && bytes[at + 1] !== 0xff) return at;
  }
  return undefined;
}

/** Corrects what libjpeg warns of and then ignores, in a segment whose parameters start at `body`. */
function mendSegment(bytes: Uint8Array, marker: number, { from: body, to }: Span, sequential: boolean): void {
  if (marker === APP0 && hasText(bytes, body, 'JFIF\0') && bytes[body + 5] !== 1) {
    bytes[body + 5] = 1;
    bytes[body + 6] = 2;
  } else if (marker === APP14 && hasText(bytes, body, 'Adobe') && bytes[body + 11]! > 2) {
    // libjpeg takes an unknown color transform of three components as YCbCr.
    bytes[body + 11] = 1;
  } else if (marker === SOS && sequential) {
    // First and last coefficient, and both approximations: a sequential scan has all, exactly.
    bytes.set([0, 63, 0], to - 3);
  }
}

/**
 * Rewrites a JPEG without what libjpeg warns of and passes over: bytes between segments, an unknown version of JFIF,
 * an unknown color transform, and selections of coefficients that a sequential scan does not have. The entropy-coded
 * data stay as they are, so that a decoder that stops at the first warning still finds damage there.
 * @returns the bytes that libjpeg decodes without these warnings to the same pixels; what cannot be followed is kept.
 */
export function mendJpeg(source: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(source);
  const kept: Span[] = [{ from: 0, to: 2 }];
  let sequential = false;
  for (let at = nextMarker(bytes, 2); at !== undefined; ) {
    const marker = bytes[at + 1]!;
    let end = at + 2;
    if (marker === EOI) {
      kept.push({ from: at, to: bytes.length });
      break;
    }
    if (marker > 1 && marker !== SOI && !isRestart(marker)) {
      end += bytes[at + 2]! * 256 + bytes[at + 3]!;
      if (!(end <= bytes.length)) {
        kept.push({ from: at, to: bytes.length });
        break;
      }
      sequential ||= isSequential(marker);
      mendSegment(bytes, marker, { from: at + 4, to: end }, sequential);
      if (marker === SOS) end = endOfScan(bytes, end);
    }
    kept.push({ from: at, to: end });
    at = nextMarker(bytes, end);
  }
  return joined(bytes, kept);
}

function joined(bytes: Uint8Array, spans: readonly Span[]): Uint8Array {
  const result = new Uint8Array(spans.reduce((length, { from, to }) => length + to - from, 0));
  let length = 0;
  for (const { from, to } of spans) {
    result.set(bytes.subarray(from, to), length);
    length += to - from;
  }
  return result;
}

/**
 * Removes the padding that a decoder complained of: `extraneous bytes before marker`, where they are zeros after the
 * data of a scan. Other bytes there are left: they may be the rest of data that the decoder lost track of.
 * @param complaint the decoder's message.
 * @returns undefined if the message is another one, or there is no such padding.
 */
export function withoutPadding(bytes: Uint8Array, complaint: string): Uint8Array | undefined {
  const found = /(\d+) extraneous bytes before marker 0x([0-9a-f]{2})/.exec(complaint);
  if (!found) return undefined;
  const [count, marker] = [Number(found[1]), Number.parseInt(found[2]!, 16)];
  for (let at = bytes.indexOf(0xff, count); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const padding = bytes.subarray(at - count, at);
    if (bytes[at + 1] === marker && padding.every((byte) => byte === 0)) {
      return joined(bytes, [
        { from: 0, to: at - count },
        { from: at, to: bytes.length },
      ]);
    }
  }
  return undefined;
}
