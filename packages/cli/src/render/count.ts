import type { ProgressStream } from './progress.js';

/** Back to the first column, and the line cleared. */
const REWRITE = '\r\x1b[2K';

/** For work on many things: a line that rewrites itself on a terminal, `drawn 12/180`; nothing elsewhere. */
export function countRenderer(
  verb: string,
  stream: ProgressStream = process.stderr,
): (total: number) => void {
  let done = 0;
  return (total) => {
    done++;
    if (stream.isTTY) stream.write(done === total ? REWRITE : `${REWRITE}${verb} ${done}/${total}`);
  };
}
