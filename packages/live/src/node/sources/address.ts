import path from 'node:path';
import { DskdError } from '@dskd/base';
import type { EngineImage } from '@dskd/engine/node';
import type { Source } from '../../source.js';
import { FfmpegSource, type FfmpegInput } from './ffmpeg.js';
import { FolderSource } from './folder.js';
import { MjpegSource } from './mjpeg.js';

export interface ParseSourceOptions {
  /** Frames a second that are taken from a camera or video. Default: all. */
  readonly fps?: number | undefined;
  /** Whether images that are in a folder already are inspected, too. Default false. */
  readonly existing?: boolean | undefined;
  /** A file of a folder is read when it has not changed for so long, in milliseconds. Default 500. */
  readonly settledMs?: number | undefined;
  /** A file of a folder that stays empty is read so much later, in milliseconds, and told of: it is no image. Default 5000. */
  readonly emptyMs?: number | undefined;
  /** Frames of more pixels are refused. Default 2 ** 26. */
  readonly maxPixels?: number | undefined;
  /** The program ffmpeg. Default `ffmpeg`. */
  readonly ffmpeg?: string | undefined;
}

const WANTED =
  'wanted folder:DIR, rtsp://HOST/PATH, http://HOST/PATH of MJPEG, file:VIDEO.mp4, v4l2:/dev/video0, or lavfi:GRAPH';

function refused(got: string, why: string, hint: string): DskdError {
  return new DskdError('invalid-argument', `Got the source ${JSON.stringify(got)}: ${why}; ${WANTED}.`, {
    hint,
    details: { got },
  });
}

function rtspInput(url: URL, address: string): FfmpegInput {
  const shown = new URL(url);
  const secret = url.password === '' ? undefined : address;
  shown.username = '';
  shown.password = '';
  return {
    name: shown.href,
    // Over UDP lost packets become gray areas, which a detector takes for anomalies.
    args: ['-rtsp_transport', 'tcp', '-i', address],
    isFinite: false,
    secret,
  };
}

/** A source that ffmpeg reads, by the scheme of its address. */
function ffmpegInput(scheme: string, rest: string): FfmpegInput | undefined {
  switch (scheme) {
    case 'file':
      // At its own speed, as a camera would send it.
      return { name: `file:${rest}`, args: ['-re', '-i', `file:${rest}`], isFinite: true };
    case 'v4l2':
      return { name: `v4l2:${rest}`, args: ['-f', 'v4l2', '-i', rest], isFinite: false };
    case 'lavfi':
      return { name: `lavfi:${rest}`, args: ['-re', '-f', 'lavfi', '-i', rest], isFinite: true };
    default:
      return undefined;
  }
}

const VIDEO = /\.(?:mp4|m4v|mkv|mov|avi|webm|ts|mpg|mpeg|mjpg|mjpeg)$/i;

/**
 * Makes a source of its address. Opens nothing yet.
 * @param address `folder:DIR`, `rtsp://…`, `http://…` (MJPEG), `file:VIDEO` or the path of a video, `v4l2:/dev/video0`, or
 * `lavfi:GRAPH`, a source of ffmpeg itself: `lavfi:testsrc2=size=640x480:rate=10`.
 * @throws {DskdError} `invalid-argument`
 */
export function parseSource(address: string, options: ParseSourceOptions = {}): Source<EngineImage> {
  const {
    fps,
    existing = false,
    settledMs = 500,
    emptyMs = 5000,
    maxPixels = 2 ** 26,
    ffmpeg: program,
  } = options;
  if (fps !== undefined && !(fps > 0 && Number.isFinite(fps)))
    throw new DskdError('invalid-argument', `Got fps ${fps}, wanted a positive number.`);
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]+):(.*)$/is.exec(address) ?? [];
  if (scheme === undefined || rest === undefined) {
    if (VIDEO.test(address))
      return new FfmpegSource(ffmpegInput('file', address)!, { fps, maxPixels, program });
    const hint = address.startsWith('/dev/video')
      ? `A camera of this machine is v4l2:${address}.`
      : `A folder is folder:${address}, a video file:${address}.`;
    throw refused(address, 'it has no scheme', hint);
  }
  const name = scheme.toLowerCase();
  if (rest === '' || rest === '//')
    throw refused(address, 'nothing is after the scheme', 'Say what is read.');
  if (name === 'folder') {
    if (fps !== undefined) {
      throw new DskdError(
        'invalid-argument',
        `Got fps ${fps} for a folder, of which every image is inspected.`,
        {
          hint: 'Leave fps out.',
        },
      );
    }
    return new FolderSource(path.normalize(rest), { existing, settledMs, emptyMs });
  }
  const input = ffmpegInput(name, rest);
  if (input) return new FfmpegSource(input, { fps, maxPixels, program });
  if (!['rtsp', 'rtsps', 'http', 'https'].includes(name))
    throw refused(
      address,
      `the scheme ${scheme} is not known`,
      'ffmpeg reads other streams into a file or a folder.',
    );
  if (!URL.canParse(address))
    throw refused(address, 'it is no URL', 'For example rtsp://user:password@192.168.1.20/stream1.');
  const url = new URL(address);
  if (name.startsWith('rtsp')) return new FfmpegSource(rtspInput(url, address), { fps, maxPixels, program });
  // As many bytes as JPEG files of so many pixels may have.
  return new MjpegSource(url, { fps, maxBytes: maxPixels });
}
