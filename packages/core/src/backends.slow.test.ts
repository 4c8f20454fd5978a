import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

// SwiftShader from Debian's chromium package. Runs in a separate process, because the driver is selected when it is
// loaded.
const DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';
const backends = new URL('./backends.js', import.meta.url).href;

function runWithSoftwareDriver(program: string): unknown {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: new URL('..', import.meta.url),
    encoding: 'utf8',
    env: { ...process.env, VK_ICD_FILENAMES: DRIVER, XDG_RUNTIME_DIR: '/tmp' },
  });
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`No result: ${stdout}${stderr}`);
  return JSON.parse(line);
}

const describeWithDriver = existsSync(DRIVER) ? describe : describe.skip;

describeWithDriver(`a machine whose only adapter is software (${DRIVER}, skipped where missing)`, () => {
  test('auto selects wasm and reports the adapter it rejected', () => {
    const selected = runWithSoftwareDriver(`
      import { selectBackend } from '${backends}';
      console.log(JSON.stringify(await selectBackend('auto')));
    `);
    expect(selected).toMatchObject({ name: 'wasm', software: false });
    expect(selected).toHaveProperty('rejected.0.name', 'webgpu');
    expect(selected).toHaveProperty(
      'rejected.0.reason',
      expect.stringMatching(/swiftshader.*software adapter/),
    );
  });

  test('webgpu by name runs on the software adapter and reports that it is software', () => {
    const selected = runWithSoftwareDriver(`
      import * as tf from '@tensorflow/tfjs-core';
      import { probeBackends, selectBackend } from '${backends}';
      const probed = (await probeBackends())[0];
      const selected = await selectBackend('webgpu');
      const sum = await tf.add([1, 2], [3, 4]).data();
      console.log(JSON.stringify({ probed, selected, sum: [...sum], backend: tf.getBackend() }));
      process.exit();
    `);
    expect(selected).toMatchObject({
      probed: { name: 'webgpu', available: true, software: true },
      selected: { name: 'webgpu', software: true, rejected: [] },
      sum: [4, 6],
      backend: 'webgpu',
    });
  });
});

test('wrong wasmPaths are reported with a hint', () => {
  const error = runWithSoftwareDriver(`
    import { selectBackend } from '${backends}';
    const error = await selectBackend('wasm', { wasmPaths: '/nowhere/' }).catch((error) => error);
    console.log(JSON.stringify({ code: error.code, message: error.message, hint: error.hint }));
    process.exit();
  `);
  expect(error).toEqual({
    code: 'backend-unavailable',
    message: 'the wasm backend did not start',
    hint: 'In a browser, say where the .wasm files are: { wasmPaths }.',
  });
});
