/** Escape sequences that switch a look on and off. */
const LOOKS = {
  red: ['\x1b[31m', '\x1b[39m'],
  yellow: ['\x1b[33m', '\x1b[39m'],
  bold: ['\x1b[1m', '\x1b[22m'],
} as const;

interface Stream {
  readonly isTTY?: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Whether to color what goes to `stream`: never with NO_COLOR (no-color.org), always with FORCE_COLOR, and
 * otherwise on a terminal that can.
 */
export function wantsColor(stream: Stream, environment: Environment = process.env): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = environment;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return stream.isTTY === true && TERM !== 'dumb';
}

export function colored(
  text: string,
  look: keyof typeof LOOKS,
  stream: Stream,
  environment: Environment = process.env,
): string {
  const [on, off] = LOOKS[look];
  return wantsColor(stream, environment) ? `${on}${text}${off}` : text;
}
