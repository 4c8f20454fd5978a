import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo, type Socket } from 'node:net';

const SDP = [
  'v=0',
  'o=- 0 0 IN IP4 127.0.0.1',
  's=camera',
  'c=IN IP4 0.0.0.0',
  't=0 0',
  // 33 is MPEG-TS.
  'm=video 0 RTP/AVP 33',
  'a=control:track1',
  '',
].join('\r\n');

/** Packets of MPEG-TS in a packet of RTP. */
const TS_BYTES = 7 * 188;

/** Sends what ffmpeg makes as RTP between the answers of RTSP, as a camera does over TCP. */
function sendVideo(socket: Socket): ChildProcess {
  const video = spawn(
    'ffmpeg',
    [
      '-loglevel',
      'error',
      '-re',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=64x48:rate=25',
      '-c:v',
      'mpeg2video',
    ].concat(['-g', '5', '-f', 'mpegts', 'pipe:1']),
    { stdio: ['ignore', 'pipe', 'ignore'], timeout: 30_000, killSignal: 'SIGKILL' },
  );
  let bytes = Buffer.alloc(0);
  let sequence = 0;
  const started = Date.now();
  video.stdout.on('data', (more: Buffer) => {
    bytes = Buffer.concat([bytes, more]);
    while (bytes.length >= TS_BYTES) {
      const head = Buffer.alloc(16);
      // Interleaved on channel 0; then RTP, version 2, payload type 33.
      head.writeUInt8(0x24, 0);
      head.writeUInt16BE(12 + TS_BYTES, 2);
      head.writeUInt8(0x80, 4);
      head.writeUInt8(33, 5);
      head.writeUInt16BE(sequence++ & 0xffff, 6);
      head.writeUInt32BE(((Date.now() - started) * 90) >>> 0, 8);
      head.writeUInt32BE(7, 12);
      socket.write(Buffer.concat([head, bytes.subarray(0, TS_BYTES)]));
      bytes = bytes.subarray(TS_BYTES);
    }
  });
  return video;
}

/** A camera of RTSP over TCP that wants a user and a password (Basic). Its video is made by ffmpeg. */
export class RtspCamera {
  #port = 0;
  /** Requests, as `METHOD STATUS`. */
  readonly answered: string[] = [];
  readonly #sockets = new Map<Socket, ChildProcess | undefined>();
  readonly #server = createServer((socket) => this.#serve(socket));

  constructor(
    readonly user: string,
    readonly password: string,
  ) {}

  get address(): string {
    return `127.0.0.1:${this.#port}/stream1`;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Breaks off all connections. New ones are taken. */
  breakOff(): void {
    for (const [socket, video] of this.#sockets) {
      video?.kill('SIGKILL');
      socket.destroy();
    }
    this.#sockets.clear();
  }

  /** The connections stay, but nothing is sent any more. */
  freeze(): void {
    for (const video of this.#sockets.values()) video?.kill('SIGKILL');
  }

  async end(): Promise<void> {
    this.breakOff();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.set(socket, undefined);
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (data: Buffer) => {
      text += data.toString('latin1');
      for (let at = text.indexOf('\r\n\r\n'); at >= 0; at = text.indexOf('\r\n\r\n')) {
        this.#answer(socket, text.slice(0, at));
        text = text.slice(at + 4);
      }
    });
  }

  #answer(socket: Socket, request: string): void {
    const method = /[A-Z_]{4,}/.exec(request)?.[0] ?? '';
    const sequence = /CSeq: *(\d+)/i.exec(request)?.[1] ?? '0';
    const basic = Buffer.from(`${this.user}:${this.password}`).toString('base64');
    const isKnown = method === 'OPTIONS' || request.includes(`Authorization: Basic ${basic}`);
    const status = isKnown ? '200 OK' : '401 Unauthorized';
    this.answered.push(`${method} ${status}`);
    const heads = isKnown ? this.#headsOf(method) : ['WWW-Authenticate: Basic realm="camera"'];
    const body = isKnown && method === 'DESCRIBE' ? SDP : '';
    const lines = [
      `RTSP/1.0 ${status}`,
      `CSeq: ${sequence}`,
      ...heads,
      `Content-Length: ${body.length}`,
      '',
      body,
    ];
    socket.write(lines.join('\r\n'));
    if (isKnown && method === 'PLAY') this.#sockets.set(socket, sendVideo(socket));
  }

  #headsOf(method: string): string[] {
    switch (method) {
      case 'OPTIONS':
        return ['Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN'];
      case 'DESCRIBE':
        return ['Content-Type: application/sdp', `Content-Base: rtsp://${this.address}/`];
      case 'SETUP':
        return ['Transport: RTP/AVP/TCP;unicast;interleaved=0-1', 'Session: 1'];
      default:
        return ['Session: 1'];
    }
  }
}
