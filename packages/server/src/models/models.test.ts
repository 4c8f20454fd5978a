import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fakeModels } from '../fake-engine.test.util.js';
import { checkModelName, modelNameOf } from './model-name.js';
import { openModels, type Models } from './models.js';
import type { ModelEvent } from './served-model.js';

const code = (wanted: string): Error => expect.objectContaining({ code: wanted }) as Error;

/** Waits until a condition holds. */
async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('It did not happen within 10 seconds.');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function eventsOf(models: Models): ModelEvent[] {
  const events: ModelEvent[] = [];
  models.subscribe((event) => events.push(event));
  return events;
}

test.each([
  ['tray.safetensors', 'tray'],
  ['/a/b/tray-2.v1.onnx', 'tray-2.v1'],
  ['.hidden.onnx', undefined],
  ['tray.onnx.part', undefined],
  ['a..b.onnx', undefined],
  ['image.png', undefined],
])('the file %s is the model %s', (file, name) => {
  expect(modelNameOf(file)).toBe(name);
});

test.each(['', '.', '..', 'a/b', 'a\\b', 'a b', '-x', 'a..b', 'x'.repeat(101), 'ä'])(
  '%p is no name of a model',
  (name) => {
    expect(() => checkModelName(name)).toThrow(code('invalid-argument'));
  },
);

test('the version is of the content; a load of the same content changes nothing', async () => {
  const { models, engines, end } = await fakeModels({ a: 1, b: 2 });
  try {
    const [a, b] = models.all;
    expect([a!.name, b!.name]).toEqual(['a', 'b']);
    // SHA-256 of the byte 1.
    expect(a!.current().id).toBe('4bf5122f3445');
    await expect(a!.load()).resolves.toBe(false);
    expect(engines).toHaveLength(2);
    expect(() => a!.current('000000000000')).toThrow(code('model-not-found'));
    expect(models.get('b')).toBe(b);
    expect(() => models.get(undefined)).toThrow(code('model-not-found'));
    expect(() => models.get('../a')).toThrow(code('model-not-found'));
  } finally {
    await end();
  }
  expect(engines.every(({ disposed }) => disposed)).toBe(true);
});

test('a swap waits for who uses the old version, which is then ended', async () => {
  const { models, engines, end } = await fakeModels({ a: 1 });
  try {
    const model = models.get('a');
    const old = model.current();
    const done = old.use();
    await writeFile(model.file, Uint8Array.of(2));
    await expect(model.load()).resolves.toBe(true);
    expect(model.current().id).not.toBe(old.id);
    expect((await model.current().predict(Uint8Array.of(3), {})).score).toBe(6);
    expect((await old.predict(Uint8Array.of(3), {})).score).toBe(3);
    expect(engines[0]!.disposed).toBe(false);
    done();
    await until(() => engines[0]!.disposed);
    expect(engines[1]!.disposed).toBe(false);
  } finally {
    await end();
  }
});

test('an unloaded model does not answer, and a change of its file does not load it', async () => {
  const { models, engines, end } = await fakeModels({ a: 1 }, { watch: true, settledMs: 20 });
  try {
    const model = models.get('a');
    await model.unload();
    expect(() => model.current()).toThrow(code('model-not-found'));
    await expect(model.unload()).rejects.toEqual(code('model-not-found'));
    await writeFile(model.file, Uint8Array.of(2));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(model.version).toBeUndefined();
    await model.load();
    expect(model.current().facts.engine).toBe('onnx');
    expect(engines.map(({ disposed }) => disposed)).toEqual([true, false]);
  } finally {
    await end();
  }
});

test('watched files are loaded when they change and have settled; new ones of a folder are new models', async () => {
  const first = await fakeModels({ a: 1 });
  await first.models.close();
  const { folder } = first;
  const { models, engines, end } = await fakeModels({}, { watch: folder, settledMs: 60 });
  try {
    const events = eventsOf(models);
    expect(models.all.map(({ name }) => name)).toEqual(['a']);
    const before = models.get('a').current().id;
    // In pieces: it is not read before it has settled.
    const file = path.join(folder, 'a.safetensors');
    for (let piece = 1; piece < 6; piece++) {
      await writeFile(file, new Uint8Array(piece).fill(7));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await until(() => models.get('a').current().id !== before);
    expect(events).toEqual([
      expect.objectContaining({ type: 'model-loaded', model: 'a', replaced: before, engine: 'onnx' }),
    ]);
    expect(engines).toHaveLength(2);
    await writeFile(path.join(folder, 'b.tmp'), Uint8Array.of(9));
    await rename(path.join(folder, 'b.tmp'), path.join(folder, 'b.onnx'));
    await until(() => models.all.length === 2 && models.get('b').version !== undefined);
    // A file that goes away leaves the model.
    await rm(file);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(models.get('a').current().facts.engine).toBe('onnx');
  } finally {
    await end();
    await first.end().catch(() => undefined);
  }
});

test('a file that cannot be loaded is told, and the version before goes on', async () => {
  const { models, end } = await fakeModels({ a: 1 });
  try {
    const events = eventsOf(models);
    const model = models.get('a');
    const before = model.current().id;
    await expect(model.load(path.join(path.dirname(model.file), 'missing.onnx'))).rejects.toEqual(
      code('file-not-found'),
    );
    expect([model.current().id, model.failure?.code]).toEqual([before, 'file-not-found']);
    expect(events).toEqual([expect.objectContaining({ type: 'model-load-failed', model: 'a' })]);
    await model.load();
    expect(model.failure).toBeUndefined();
  } finally {
    await end();
  }
});

test.each([
  [['/no/such/file.onnx'], {}, 'file-not-found'],
  [['a.onnx', 'b/a.onnx'], {}, 'invalid-argument'],
  [[{ name: '../x', file: 'a.onnx' }], {}, 'invalid-argument'],
  [['ä.onnx'], {}, 'invalid-argument'],
  [[], { workers: 0 }, 'invalid-argument'],
  [[], { queue: -1 }, 'invalid-argument'],
  [[], { threads: 1.5 }, 'invalid-argument'],
  [[], { watch: '/no/such/folder' }, 'file-not-found'],
])('%j with %j is refused: %s', async (sources, options, wanted) => {
  await expect(openModels(sources, options)).rejects.toEqual(code(wanted));
});
