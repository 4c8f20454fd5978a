import type { EngineImage } from '@dskd/engine/node';
import { DskdError } from '@dskd/base';
import type { Frame, Source } from '../../source.js';
import { ppmFrames } from './ppm-frames.js';
import { startProcess } from './process-output.js';

/** What ffmpeg reads. */
export interface FfmpegInput {
  /** As it is shown. */
  readonly name: string;
  /** Options of ffmpeg up to and with `-i`. */
  readonly args: readonly string[];
  /** Whether it has an end. A camera that ends is opened again. */
  readonly isFinite: boolean;
  /** What ffmpeg might repeat in its messages and nobody may see. */
  readonly secret?: string | undefined;
}

export interface FfmpegOptions {
  /** Frames a second that are taken. Default: all. */
  readonly fps?: number | undefined;
  /** Most pixels of a frame. */
  readonly maxPixels: number;
  /** The program. */
  readonly program?: string | undefined;
}

const HINT = 'Install ffmpeg, for example apt install ffmpeg, so that the command ffmpeg is found.';

/**
 * Frames that ffmpeg decodes, in a process of its own. They come as raw pixels through a pipe and are not compressed again.
 * @returns a live source; its frames are RGB pixels.
 */
export class FfmpegSource implements Source<EngineImage> {
  readonly isLive = true;
  readonly #input: FfmpegInput;
  readonly #options: FfmpegOptions;

  constructor(input: FfmpegInput, options: FfmpegOptions) {
    this.#input = input;
    this.#options = options;
  }

  get name(): string {
    return this.#input.name;
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame<EngineImage>, void, undefined> {
    const { args, isFinite } = this.#input;
    const { fps, maxPixels, program = 'ffmpeg' } = this.#options;
    const rate = fps === undefined ? [] : ['-vf', `fps=${fps}`];
    const output = startProcess(
      program,
      [
        ...['-nostdin', '-hide_banner', '-loglevel', 'error', ...args, '-an', '-sn', '-dn', ...rate],
        ...['-f', 'image2pipe', '-c:v', 'ppm', '-pix_fmt', 'rgb24', 'pipe:1'],
      ],
      HINT,
    );
    const stop = (): void => output.kill();
    signal.addEventListener('abort', stop, { once: true });
    try {
      let index = 0;
      for await (const image of ppmFrames(output.chunks, maxPixels))
        yield { id: String(index++), time: Date.now(), image };
      const failure = await output.ended;
      if (signal.aborted || (failure === undefined && isFinite)) return;
      throw this.#failed(failure ?? 'the stream ended');
    } finally {
      signal.removeEventListener('abort', stop);
      output.kill();
    }
  }

  #failed(reason: string): DskdError {
    const { name, secret } = this.#input;
    const shown = secret === undefined ? reason : reason.replaceAll(secret, name);
    return new DskdError('source-failed', `ffmpeg cannot read ${name}: ${shown}.`, {
      hint: 'Check the address, and that the camera is on. ffprobe with the same address shows more.',
    });
  }
}
