import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { encodeImage } from '@dskd/data/node';
import { useBackend } from '@dskd/test-support';
import { exportDetectorFile } from './node/index.js';
import { exportedThroughFiles, smallImage } from './small-detectors.test.util.js';

const run = promisify(execFile);
const PYTHON = '/usr/bin/python3';
const script = fileURLToPath(new URL('../../../examples/onnx-python/predict.py', import.meta.url));

async function has(...modules: readonly string[]): Promise<boolean> {
  return run(PYTHON, ['-c', `import ${modules.join(', ')}`]).then(
    () => true,
    () => false,
  );
}

const hasPillow = await has('numpy', 'PIL');
if (!hasPillow) console.log(`SKIPPED the example in Python: ${PYTHON} has no numpy and Pillow`);
const hasChecker = await has('onnx');
if (!hasChecker) console.log(`SKIPPED onnx.checker: ${PYTHON} has no onnx`);

/**
 * A module `onnxruntime` for Python where there is none: it runs the same ONNX Runtime, in Node. What the example does with images
 * and results is its own.
 */
const STAND_IN = `
import json, subprocess, types
import numpy as np
TYPES = {'uint8': np.uint8, 'float32': np.float32}
class InferenceSession:
    def __init__(self, path, providers):
        self.path = path
        said = json.loads(subprocess.run(['NODE', 'SCRIPT', path], input=b'', capture_output=True, check=True).stdout)
        self.inputs, self.outputs, self.metadata = said['inputs'], said['outputs'], said['metadata']
    def get_inputs(self): return [types.SimpleNamespace(name=name) for name in self.inputs]
    def get_outputs(self): return [types.SimpleNamespace(name=name) for name in self.outputs]
    def get_modelmeta(self): return types.SimpleNamespace(custom_metadata_map=self.metadata)
    def run(self, names, feeds):
        given = {name: {'type': str(value.dtype), 'dims': value.shape, 'data': value.ravel().tolist()} for name, value in feeds.items()}
        done = subprocess.run(['NODE', 'SCRIPT', self.path], input=json.dumps(given).encode(), capture_output=True, check=True)
        results = json.loads(done.stdout)['results']
        return [np.array(results[name]['data'], np.float32).reshape(results[name]['dims']) for name in names]
`;

const RUNNER = `
import { readFileSync } from 'node:fs';
import ort from ORT;
import { fromBinary } from PROTOBUF;
import { ModelProtoSchema } from SCHEMA;
const bytes = readFileSync(process.argv[2]);
const session = await ort.InferenceSession.create(process.argv[2]);
const metadata = Object.fromEntries(fromBinary(ModelProtoSchema, bytes).metadataProps.map(({ key, value }) => [key, value]));
const text = readFileSync(0, 'utf8');
let results;
if (text) {
  const feeds = Object.entries(JSON.parse(text)).map(([name, { type, dims, data }]) => [name, new ort.Tensor(type, Uint8Array.from(data), dims)]);
  const all = await session.run(Object.fromEntries(feeds));
  results = Object.fromEntries(Object.entries(all).map(([name, { dims, data }]) => [name, { dims, data: [...data] }]));
}
process.stdout.write(JSON.stringify({ inputs: session.inputNames, outputs: session.outputNames, metadata, results }));
`;

let folder: string;
beforeAll(async () => {
  await useBackend('wasm');
  folder = await mkdtemp(path.join(tmpdir(), 'dskd-python-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Environment in which Python finds an onnxruntime. */
async function environment(): Promise<NodeJS.ProcessEnv> {
  if (await has('onnxruntime')) return process.env;
  const runner = path.join(folder, 'run.mjs');
  const url = (name: string): string => JSON.stringify(import.meta.resolve(name));
  const source = RUNNER.replace('ORT', url('onnxruntime-node'))
    .replace('PROTOBUF', url('@bufbuild/protobuf'))
    .replace('SCHEMA', url('onnx-buf'));
  await writeFile(runner, source);
  const module = STAND_IN.replaceAll('NODE', process.execPath).replaceAll('SCRIPT', runner);
  await writeFile(path.join(folder, 'onnxruntime.py'), module);
  return { ...process.env, PYTHONPATH: folder };
}

const CASES = [
  { name: 'stretched', externalData: 'never', input: { size: [48, 64] } },
  { name: 'letterboxed', externalData: 'never', input: { size: [64, 64], fit: 'letterbox' } },
  { name: 'with-values-beside-it', externalData: 'always', input: { size: [48, 64] } },
] as const;

test('the example in Python has at most 40 lines, as documents say', async () => {
  expect((await readFile(script, 'utf8')).trimEnd().split('\n').length).toBeLessThanOrEqual(40);
});

(hasPillow ? test : test.skip).each(CASES)(
  'the example in Python gives the scores of the detector, $name',
  async ({ name, externalData, input }) => {
    const { detector, onnx } = await exportedThroughFiles({ method: 'instant', input });
    const model = path.join(folder, `${name}.onnx`);
    await exportDetectorFile(detector, model, { externalData });
    const images = [smallImage(1), smallImage(2, 1), smallImage(3, 0.4, [91, 40])];
    const files = images.map((_, index) => path.join(folder, `${name}-${index}.png`));
    for (const [index, image] of images.entries()) await writeFile(files[index]!, await encodeImage(image));
    const { stdout } = await run(PYTHON, [script, model, ...files], { env: await environment() });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { path: string; verdict: string; score: number });
    const wanted = await detector.predict(images);
    expect(lines.map(({ path: file, verdict }) => [file, verdict])).toEqual(
      wanted.map(({ verdict }, index) => [files[index], verdict]),
    );
    expect(new Set(wanted.map(({ verdict }) => verdict)).size).toBe(2);
    lines.forEach(({ score }, index) => {
      const own = wanted[index]!.score;
      expect(Math.abs(score - own) / Math.max(1, Math.abs(own))).toBeLessThan(1e-4);
    });
    detector.dispose();
    onnx.dispose();
  },
);

(hasChecker ? test : test.skip)('onnx.checker passes, with the inference of shapes', async () => {
  for (const [name, options] of Object.entries({
    instant: { method: 'instant', input: { size: [48, 64] } },
    padim: { method: 'padim', input: { size: [64, 64], fit: 'letterbox' } },
  } as const)) {
    const { detector, onnx } = await exportedThroughFiles(options);
    const model = path.join(folder, `checked-${name}.onnx`);
    const check =
      'import onnx, sys; onnx.checker.check_model(onnx.load(sys.argv[1]), full_check=True); ' +
      'onnx.checker.check_model(sys.argv[1]); print("passed")';
    for (const externalData of ['never', 'always'] as const) {
      await exportDetectorFile(detector, model, { externalData });
      expect((await run(PYTHON, ['-c', check, model])).stdout.trim()).toBe('passed');
    }
    // The checker reads where values are.
    await rm(`${model}.data`);
    await expect(run(PYTHON, ['-c', check, model])).rejects.toThrow();
    detector.dispose();
    onnx.dispose();
  }
});
