import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BACKBONES, backboneInfo } from '@dskd/models';
import { integerFill } from '@dskd/test-support';
import {
  findWeights,
  readSafetensors,
  readStateDict,
  WEIGHTS,
  writeSafetensors,
  type StateDict,
} from '@dskd/weights';
import { main } from '../../main.js';
import { pullEntry } from './registry.js';

let folder: string;
beforeAll(async () => (folder = await mkdtemp(path.join(tmpdir(), 'dskd weights ü-'))));
afterAll(() => rm(folder, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs in this process, and captures what is written to the standard streams. */
async function capture(run: () => Promise<number>): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const streams = ['stdout', 'stderr'] as const;
  const originals = streams.map((name) => process[name].write.bind(process[name]));
  for (const name of streams) {
    process[name].write = (text: string | Uint8Array) => Boolean((written[name] += String(text)));
  }
  try {
    return { code: await run(), ...written };
  } finally {
    for (const [index, name] of streams.entries()) process[name].write = originals[index]!;
  }
}

const weights = (...args: string[]): Promise<Outcome> =>
  capture(() => main(['node', 'dskd', 'weights', ...args]));

function fabricated(prefix = ''): StateDict {
  const tensors: StateDict = new Map();
  for (const [name, shape] of backboneInfo('squeezenet1_1').weightShapes()) {
    tensors.set(prefix + name, { dtype: 'F32', shape, data: integerFill(name, shape) });
  }
  return tensors;
}

async function save(name: string, tensors: StateDict): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, writeSafetensors(tensors));
  return file;
}

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../../weights/test/fixtures/${name}`, import.meta.url));

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

test('every registered name is for a backbone that can be built', () => {
  for (const { backbone } of WEIGHTS) expect(BACKBONES).toContain(backbone);
});

describe('list', () => {
  test('is a table with sizes and licenses', async () => {
    const { code, stdout } = await weights('list', '--cache', folder);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^wide_resnet50_2 +wide_resnet50_2 +132 +no +BSD-3-Clause +torchvision IMAGENET1K_V1$/m,
    );
    expect(stdout).toContain('ImageNet');
  });

  test('--json has everything of every entry', async () => {
    const entries = JSON.parse((await weights('list', '--cache', folder, '--json')).stdout) as object[];
    expect(entries).toEqual(
      WEIGHTS.map((entry) => ({ ...entry, path: path.join(folder, 'weights', entry.file), present: false })),
    );
  });
});

describe('pull', () => {
  const CONTENT = writeSafetensors(fabricated());
  let server: Server;
  let mirror: string;

  beforeAll(async () => {
    server = createServer(({ url }, response) => {
      if (url === '/net.safetensors') response.end(CONTENT);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  const entry = () => ({
    ...findWeights('squeezenet1_1'),
    name: 'net',
    file: 'net.safetensors',
    sha256: sha256(CONTENT),
    bytes: CONTENT.byteLength,
  });

  test('prints the path of the file and its license; progress goes to standard error', async () => {
    const cache = path.join(folder, 'cache');
    const run = (): Promise<number> => pullEntry(entry(), { cache, mirror }).then(() => 0);
    const first = await capture(run);
    expect(first.stdout).toContain(`pulled: ${path.join(cache, 'weights', 'net.safetensors')}\n`);
    expect(first.stdout).toContain(`SHA-256 ${sha256(CONTENT)}`);
    expect(first.stdout).toContain('BSD-3-Clause: torchvision');
    expect(first.stderr).toMatch(/^pulling net \(.* MiB\)$/m);
    expect(first.stderr).toMatch(/MiB\/s {2}0s left/);
    const second = await capture(run);
    expect(second.stdout).toContain('here already: ');
    expect(second.stderr).toBe('');
  });

  test('--json is one line', async () => {
    const cache = path.join(folder, 'cache json');
    const { stdout } = await capture(() => pullEntry(entry(), { cache, mirror, json: true }).then(() => 0));
    expect(JSON.parse(stdout)).toEqual({
      type: 'weights-pulled',
      name: 'net',
      path: path.join(cache, 'weights', 'net.safetensors'),
      bytes: CONTENT.byteLength,
      sha256: sha256(CONTENT),
      fromCache: false,
      backbone: 'squeezenet1_1',
      license: findWeights('squeezenet1_1').license,
    });
  });

  test('for a missing file, says how to download it manually', async () => {
    const args = ['pull', 'wide_resnet50_2', '--cache', folder, '--mirror', mirror];
    const human = await weights(...args);
    expect(human.code).toBe(1);
    expect(human.stderr).toContain('no such file (404 Not Found)');
    const place = path.join(folder, 'weights', 'wide_resnet50_2-95faca4d.pth');
    expect(human.stderr).toContain(
      `Download https://download.pytorch.org/models/wide_resnet50_2-95faca4d.pth on another machine and put the file at ${place}`,
    );
    const machine = JSON.parse((await weights(...args, '--json')).stdout) as object;
    expect(machine).toMatchObject({ type: 'error', code: 'download-failed', details: { path: place } });
  });

  test('an unknown name is a usage error', async () => {
    const { code, stderr } = await weights('pull', 'resnet9000');
    expect(code).toBe(2);
    expect(stderr).toContain('wide_resnet50_2');
  });
});

describe('info', () => {
  test('prints format, tensors, digest and matching backbones', async () => {
    const file = await save('net.safetensors', fabricated());
    const { code, stdout } = await weights('info', file);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^format +safetensors$/m);
    expect(stdout).toContain(sha256(await readFile(file)));
    expect(stdout).toMatch(/^fits +squeezenet1_1$/m);
    expect(stdout).toMatch(/^features\.0\.weight +F32 +\[64, 3, 3, 3\]$/m);
    const machine = JSON.parse((await weights('info', file, '--json')).stdout) as Record<string, unknown>;
    expect(machine).toMatchObject({
      format: 'safetensors',
      wrapped: false,
      registered: null,
      dtypes: { F32: backboneInfo('squeezenet1_1').weightShapes().size },
      fits: [{ backbone: 'squeezenet1_1', prefix: '' }],
    });
    expect(machine.tensors).toHaveLength(backboneInfo('squeezenet1_1').weightShapes().size);
  });

  test('finds a prefix, and the larger of two backbones that match', async () => {
    // Only shapes matter. All tensors of a ResNet-18 are among them.
    const tensors: StateDict = new Map();
    for (const [name, shape] of backboneInfo('resnet34').weightShapes()) {
      const length = shape.reduce((product, side) => product * side, 1);
      tensors.set(`module.${name}`, { dtype: 'U8', shape, data: new Uint8Array(length) });
    }
    const { stdout } = await weights('info', await save('prefixed.safetensors', tensors));
    expect(stdout).toMatch(/^fits +resnet34 after --strip-prefix module\.$/m);
  });

  test('reports weights that match no backbone, files that are not weights, and missing files', async () => {
    const alone: StateDict = new Map([['a', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }]]);
    expect((await weights('info', await save('alone.safetensors', alone))).stdout).toContain('no backbone');
    const words = path.join(folder, 'words.pth');
    await writeFile(words, 'these are not weights');
    expect(await weights('info', words)).toMatchObject({ code: 1, stdout: '' });
    expect((await weights('info', path.join(folder, 'nothing'))).code).toBe(2);
  });
});

describe('convert', () => {
  const convert = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { code, stdout } = await weights('convert', ...args, '--json');
    return { code, ...(JSON.parse(stdout) as Record<string, unknown>) };
  };

  test('keeps what a backbone reads, under its names, and reports what it dropped', async () => {
    const tensors = fabricated('net.');
    tensors.set('net.classifier.1.bias', { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) });
    const input = await save('wrapped.safetensors', tensors);
    const output = path.join(folder, 'clean.safetensors');
    const result = await convert(input, output, '--strip-prefix', 'net.', '--backbone', 'squeezenet1_1');
    const written = await readFile(output);
    expect(result).toEqual({
      code: 0,
      type: 'weights-converted',
      input,
      format: 'safetensors',
      output,
      tensors: tensors.size - 1,
      bytes: written.byteLength,
      sha256: sha256(written),
      dropped: ['classifier.1.bias'],
    });
    const { tensors: got, metadata } = readSafetensors(written);
    expect(sha256(writeSafetensors(got))).toBe(sha256(writeSafetensors(fabricated())));
    expect(metadata).toEqual({ format: 'pt' });
  });

  test('tensors under the other public names of a backbone are renamed, not dropped', async () => {
    const shapes = [...backboneInfo('pdn-small').weightShapes()];
    const indices = [0, 3, 6, 8];
    const tensors: StateDict = new Map(
      shapes.map(([name, shape], place) => [
        `${indices[Math.floor(place / 2)]}.${name.split('.')[1]}`,
        { dtype: 'F32', shape, data: integerFill(name, shape) },
      ]),
    );
    const input = await save('sequential.safetensors', tensors);
    const output = path.join(folder, 'named.safetensors');
    const result = await convert(input, output, '--backbone', 'pdn-small');
    expect(result).toMatchObject({ code: 0, tensors: 8, dropped: [] });
    const { tensors: got } = readSafetensors(await readFile(output));
    expect([...got.keys()].sort()).toEqual(shapes.map(([name]) => name).sort());
    expect(got.get('conv2.bias')!.data).toEqual(tensors.get('3.bias')!.data);
  });

  test('prints a summary as text', async () => {
    const tensors = fabricated().set('spare', {
      dtype: 'I64',
      shape: [],
      data: BigInt64Array.of(3n),
    });
    const input = await save('spare.safetensors', tensors);
    const output = path.join(folder, 'said.safetensors');
    const { stdout } = await weights('convert', input, output, '--backbone', 'squeezenet1_1');
    expect(stdout).toContain('dropped 1: spare\n');
    expect(stdout).toContain(`saved ${output}: ${tensors.size - 1} tensors`);
  });

  test.each([
    ['zip.pth', 'PyTorch .pth (zip)'],
    ['legacy.pth', 'PyTorch .pth (legacy stream)'],
    ['deflated.npz', 'NumPy .npz'],
    ['version1.npy', 'NumPy .npy'],
  ])('%s becomes safetensors with the same tensors', async (name, format) => {
    const output = path.join(folder, `${name}.safetensors`);
    expect(await convert(fixture(name), output)).toMatchObject({ code: 0, format, dropped: [] });
    const { tensors } = readSafetensors(await readFile(output));
    expect(tensors).toEqual(readStateDict(await readFile(fixture(name))));
  });

  test('for a checkpoint, says which option reads it', async () => {
    const input = fixture('checkpoint.pth');
    const output = path.join(folder, 'checkpoint.safetensors');
    const refused = await weights('convert', input, output);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('Add --unwrap') as string });
    expect(await readdir(folder)).not.toContain('checkpoint.safetensors');
    expect((await weights('info', input)).stdout).toContain('a checkpoint: convert it with --unwrap');
    for (const option of [['--unwrap'], ['--entry', 'state_dict']]) {
      await convert(input, output, ...option);
      expect([...readSafetensors(await readFile(output)).tensors.keys()]).toContain('0.weight');
      await rm(output);
    }
  });

  test.each([
    ['a backbone it is not', ['--backbone', 'resnet18'], 1, 'They fit squeezenet1_1.'],
    ['a backbone there is not', ['--backbone', 'resnet9000'], 2, 'squeezenet1_1'],
    ['a prefix nobody has', ['--strip-prefix', 'module.'], 2, "No tensor's name begins with 'module.'"],
  ])('%s: no file is written', async (_, options, code, message) => {
    const input = await save('input.safetensors', fabricated());
    const output = path.join(folder, 'never.safetensors');
    const outcome = await weights('convert', input, output, ...options);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toContain(message);
    expect(await readdir(folder)).not.toContain('never.safetensors');
  });

  test('refuses two names that would become equal, and a result without the extension .safetensors', async () => {
    const entry = { dtype: 'F32', shape: [1], data: Float32Array.of(1) } as const;
    const input = await save(
      'twice.safetensors',
      new Map([
        ['a', entry],
        ['m.a', entry],
      ]),
    );
    const output = path.join(folder, 'never.safetensors');
    expect(await weights('convert', input, output, '--strip-prefix', 'm.')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("two tensors would be called 'a'") as string,
    });
    expect((await weights('convert', input, path.join(folder, 'out.pth'))).code).toBe(2);
  });
});
