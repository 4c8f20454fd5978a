import * as tf from '@tensorflow/tfjs';
import { isDskdError } from '@dskd/base';
import { probeBackends, selectBackend } from './backends.js';
import { isSoftwareAdapter } from './software-adapter.js';

async function errorOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('selectBackend', () => {
  test.each(['wasm', 'cpu'])('%s becomes the backend of tfjs-core', async (name) => {
    const selected = await selectBackend(name);
    expect(selected).toEqual({ name, adapter: undefined, software: false, rejected: [] });
    expect(tf.getBackend()).toBe(name);
  });

  test('wasmPaths do not affect a wasm backend that already runs', async () => {
    await selectBackend('wasm');
    await selectBackend('cpu');
    expect(await selectBackend('wasm', { wasmPaths: '/nowhere/' })).toMatchObject({ name: 'wasm' });
  });

  test.each([
    [2 ** 30 - 1, 'more than is left'],
    [2 ** 30 + 1, 'more than 32 bits can say'],
  ])(
    'wasm: a tensor of %d values is refused with its size, %s, and nothing is overwritten',
    async (values) => {
      await selectBackend('wasm');
      const before = tf.memory().numTensors;
      const kept = tf.tensor1d([1, 2, 3]);
      const error = await errorOf(() => Promise.resolve().then(() => tf.fill([values], 7)));
      expect(isDskdError(error, 'out-of-memory')).toBe(true);
      expect((error as Error).message).toMatch(/no room for a tensor of 4(096|097) MiB/);
      expect([...(await kept.data())]).toEqual([1, 2, 3]);
      kept.dispose();
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  test('auto never selects a software adapter and reports why', async () => {
    const selected = await selectBackend('auto');
    expect(tf.getBackend()).toBe(selected.name);
    expect(selected.software).toBe(false);
    if (selected.name === 'webgpu') {
      expect(selected.adapter).toBeDefined();
      return;
    }
    expect(selected.name).toBe('wasm');
    expect(selected.rejected.map((entry) => entry.name)).toEqual(['webgpu']);
    expect(selected.rejected[0]!.reason).toMatch(/WebGPU|software adapter/);
  });

  test.each([
    ['node', '@tensorflow/tfjs-node'],
    ['node-gpu', '@tensorflow/tfjs-node-gpu'],
  ])('%s reports what to install', async (name, packageName) => {
    const before = tf.getBackend();
    const error = await errorOf(() => selectBackend(name));
    expect(isDskdError(error, 'backend-unavailable')).toBe(true);
    expect(error).toMatchObject({
      message: `${packageName} is not installed`,
      hint: `npm install ${packageName}`,
    });
    expect(tf.getBackend()).toBe(before);
  });

  test('refuses other names', async () => {
    const error = await errorOf(() => selectBackend('webgl'));
    expect(isDskdError(error, 'invalid-argument')).toBe(true);
    expect((error as Error).message).toContain("Got backend 'webgl'; wanted auto, webgpu");
  });
});

describe('probeBackends', () => {
  test('lists every backend and does not change the current one', async () => {
    await selectBackend('wasm');
    const probed = await probeBackends();
    expect(tf.getBackend()).toBe('wasm');
    expect(probed.map((entry) => entry.name)).toEqual(['webgpu', 'wasm', 'cpu', 'node', 'node-gpu']);
    for (const entry of probed) expect(entry.available).toBe(entry.reason === undefined);
    const byName = new Map(probed.map((entry) => [entry.name, entry]));
    expect(byName.get('wasm')!.available).toBe(true);
    expect(byName.get('cpu')!.available).toBe(true);
    expect(byName.get('node')!.reason).toContain('npm install @tensorflow/tfjs-node');
    const webgpu = byName.get('webgpu')!;
    expect(webgpu.available).toBe(webgpu.adapter !== undefined);
  });
});

test('isSoftwareAdapter knows the software renderers', () => {
  expect(isSoftwareAdapter({ vendor: 'google', architecture: 'swiftshader' })).toBe(true);
  expect(isSoftwareAdapter({ vendor: 'mesa', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' })).toBe(true);
  expect(isSoftwareAdapter({ description: 'Microsoft Basic Render Driver' })).toBe(true);
  expect(isSoftwareAdapter({ vendor: 'intel', isFallbackAdapter: true })).toBe(true);
  expect(isSoftwareAdapter({ vendor: 'nvidia', architecture: 'hopper', device: 'H100' })).toBe(false);
  expect(isSoftwareAdapter({ vendor: 'apple', description: 'Apple M1 Max' })).toBe(false);
});
