import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import type { Detector } from '@dskd/detector';
import { useBackend } from '@dskd/test-support';
import { ModelProtoSchema, TensorProto_DataLocation as DataLocation } from 'onnx-buf';
import { exportDetector } from '../export-detector.js';
import { encodeModel } from '../graph/encode.js';
import type { Graph } from '../graph/graph.js';
import { readExported } from '../metadata.js';
import { loadOnnxDetector } from '../runtime/index.js';
import { exportedThroughFiles, TEST_IMAGES } from '../small-detectors.test.util.js';
import { exportDetectorFile } from './export-detector-file.js';

let folder: string;
let detector: Detector;
let model: string;
let other: Detector;

beforeAll(async () => {
  await useBackend('wasm');
  folder = await mkdtemp(path.join(tmpdir(), 'dskd outside ü-'));
  const of = async (method: string): Promise<Detector> => {
    const trained = await exportedThroughFiles({ method, input: { size: [50, 74] } });
    trained.onnx.dispose();
    return trained.detector;
  };
  detector = await of('instant');
  other = await of('fre');
  model = path.join(folder, 'part.onnx');
});
afterAll(async () => {
  detector.dispose();
  other.dispose();
  await rm(folder, { recursive: true });
});

/** A new folder with a model and its values. */
async function exportedIn(name: string): Promise<string> {
  await mkdir(path.join(folder, name));
  const file = path.join(folder, name, 'part.onnx');
  await exportDetectorFile(detector, file, { externalData: 'always' });
  return file;
}

/** What loading a file throws. */
const refusal = (file: string | Uint8Array): Promise<unknown> =>
  loadOnnxDetector(file).then(
    () => undefined,
    (error: unknown) => error,
  );

test('values in a second file, at pages of it: the same predictions, and the same bytes again', async () => {
  const files = await exportDetectorFile(detector, model, { externalData: 'always' });
  const sizes = await Promise.all(files.map(async ({ path: file }) => (await stat(file)).size));
  expect(files).toEqual([
    { path: model, bytes: sizes[0] },
    { path: `${model}.data`, bytes: sizes[1] },
  ]);
  expect(sizes[0]).toBeLessThan(sizes[1]! / 4);

  const bytes = await readFile(model);
  const { initializer } = fromBinary(ModelProtoSchema, bytes).graph!;
  const outside = initializer.filter(({ dataLocation }) => dataLocation === DataLocation.EXTERNAL);
  expect(outside.length).toBeGreaterThan(5);
  const data = await readFile(`${model}.data`);
  const whole = fromBinary(ModelProtoSchema, await exportDetector(detector)).graph!.initializer;
  for (const { name, rawData, externalData } of outside) {
    const { location, offset, length } = Object.fromEntries(
      externalData.map(({ key, value }) => [key, value]),
    );
    expect([location, rawData.length, Number(offset) % 4096]).toEqual(['part.onnx.data', 0, 0]);
    const wanted = whole.find((each) => each.name === name)!.rawData;
    expect(Buffer.compare(data.subarray(Number(offset), Number(offset) + Number(length)), wanted)).toBe(0);
  }
  // The others are small: shapes, scalars, vectors.
  for (const { rawData, dataLocation } of initializer) {
    if (dataLocation !== DataLocation.EXTERNAL) expect(rawData.length).toBeLessThan(1024);
  }
  expect(readExported(bytes).externalData).toMatchObject({ location: 'part.onnx.data', bytes: data.length });

  const again = path.join(await mkdtemp(path.join(folder, 'again-')), 'part.onnx');
  await exportDetectorFile(detector, again, { externalData: 'always' });
  expect(Buffer.compare(await readFile(again), bytes)).toBe(0);
  expect(Buffer.compare(await readFile(`${again}.data`), data)).toBe(0);

  const [onnx, plain] = [
    await loadOnnxDetector(model),
    await loadOnnxDetector(await exportDetector(detector)),
  ];
  expect(await onnx.predict(TEST_IMAGES[1]!)).toEqual(await plain.predict(TEST_IMAGES[1]!));
  onnx.dispose();
  plain.dispose();
});

test('by default one file where it is enough, and what exportDetector gives', async () => {
  const file = path.join(folder, 'one.onnx');
  const whole = await exportDetector(detector);
  for (const options of [{}, { externalData: 'never' }, { externalDataAbove: whole.length }] as const) {
    expect(await exportDetectorFile(detector, file, options)).toEqual([{ path: file, bytes: whole.length }]);
    expect(Buffer.compare(await readFile(file), whole)).toBe(0);
  }
  const both = await exportDetectorFile(detector, file, { externalDataAbove: whole.length / 2 });
  expect(both.map((each) => each.path)).toEqual([file, `${file}.data`]);
  expect(readExported(whole).externalData).toBeNull();
});

test('a model of 2 GiB or more is refused in one file, with the name of what writes two', () => {
  // The same values under many names: none of them is copied before the sum is known.
  const data = new Float32Array(2 ** 22);
  const constants = new Map(
    Array.from({ length: 128 }, (_, at) => [`c${at}`, { type: 'float32' as const, shape: [2 ** 22], data }]),
  );
  const graph: Graph = { name: 'large', inputs: [], outputs: [], nodes: [], constants };
  expect(() => encodeModel(graph, {})).toThrow(
    expect.objectContaining({
      code: 'not-exportable',
      message: 'The model has 2.0 GiB of values; an ONNX file holds less than 2 GiB.',
      hint: expect.stringContaining('exportDetectorFile of @dskd/onnx/node') as string,
    }) as Error,
  );
});

test('a check is given a complete file; where it fails, the files that were there stay, and no others', async () => {
  const file = await exportedIn('checked');
  const [model, values] = [await readFile(file), await readFile(`${file}.data`)];
  for (const externalData of ['always', 'never'] as const) {
    const refused = exportDetectorFile(other, file, {
      externalData,
      async check(staged) {
        expect(path.dirname(staged)).toBe(path.dirname(file));
        const onnx = await loadOnnxDetector(staged);
        expect(onnx.description.method).toBe('fre');
        onnx.dispose();
        throw new Error('not equal');
      },
    });
    await expect(refused).rejects.toThrow('not equal');
    expect(await readdir(path.dirname(file))).toEqual(['part.onnx', 'part.onnx.data']);
    expect(Buffer.compare(await readFile(file), model)).toBe(0);
    expect(Buffer.compare(await readFile(`${file}.data`), values)).toBe(0);
  }
});

test('values that are missing, moved, cut off, or of another export', async () => {
  const file = await exportedIn('damaged');
  const data = `${file}.data`;
  await rename(data, `${file}.values`);
  expect(await refusal(file)).toMatchObject({
    code: 'file-not-found',
    message: `Cannot read ${data}, where the values of ${file} are.`,
    hint: expect.stringContaining('in one folder') as string,
  });
  await rename(`${file}.values`, data);

  const { size } = await stat(data);
  await truncate(data, size - 1);
  expect(await refusal(file)).toMatchObject({
    code: 'artifact-invalid',
    message: `${data} has ${size - 1} bytes; wanted ${size}: it is cut off.`,
  });

  // As after a process that was killed between the two: new values beside the old model.
  const newer = path.join(folder, 'newer.onnx');
  await exportDetectorFile(other, newer, { externalData: 'always' });
  await copyFile(`${newer}.data`, data);
  for (const content of [undefined, '', 'x'.repeat(9000)]) {
    if (content !== undefined) await writeFile(data, content);
    expect(await refusal(file)).toMatchObject({
      code: 'artifact-invalid',
      message: `${data} does not hold the values of ${file}: one of both is of another export.`,
    });
  }
  expect(await refusal(new Uint8Array(await readFile(file)))).toMatchObject({
    code: 'invalid-argument',
    message: 'Got the bytes of a file whose values are in part.onnx.data beside it; wanted its path.',
  });
  expect(await refusal(path.join(folder, 'none.onnx'))).toMatchObject({ code: 'file-not-found' });
});

test.each(['../part.onnx.data', '/etc/passwd', 'a/b', 'a\\b', '..', '', 7])(
  'a file that names %j as the place of its values is refused',
  (location) => {
    const { graph, metadata } = smallGraph(location);
    expect(() => readExported(encodeModel(graph, metadata))).toThrow('external data');
  },
);

/** A file whose metadata name a place. */
function smallGraph(location: unknown): { graph: Graph; metadata: Record<string, string> } {
  const metadata = {
    dskd: JSON.stringify(detector.description),
    'dskd.data': JSON.stringify({ location, bytes: 9, sha256: '0'.repeat(64) }),
  };
  return { graph: { name: 'g', inputs: [], outputs: [], nodes: [], constants: new Map() }, metadata };
}

test.each([
  [{ externalData: 'maybe' as never }, 'Got externalData the string "maybe", wanted auto, always, never.'],
  [{ externalDataAbove: -1 }, 'Got externalDataAbove -1'],
  [{ externalDataAbove: 2 ** 31 }, 'Got externalDataAbove 2147483648'],
  [{ externalDataAbove: NaN }, 'Got externalDataAbove NaN'],
])('options %j are refused', async (options, message) => {
  await expect(exportDetectorFile(detector, model, options)).rejects.toThrow(message);
});
