import { execFileSync } from 'node:child_process';

const index = new URL('../index.js', import.meta.url).href;

test('threads that nobody ends do not keep a process alive, busy or idle', () => {
  const program = `
    import * as tf from '@tensorflow/tfjs';
    import '@tensorflow/tfjs-backend-wasm';
    import { registerWasmGradients, startWasmThreads } from '${index}';
    await tf.setBackend('wasm');
    registerWasmGradients();
    const threads = await startWasmThreads({ threads: 3 });
    const images = tf.randomNormal([1, 66, 66, 40]);
    const filter = tf.randomNormal([3, 3, 40, 40]);
    for (let i = 0; i < 20; i++) tf.conv2d(images, filter, 1, 'valid').dispose();
    console.log(threads.threads);
  `;
  const out = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    // Where the packages are found.
    cwd: import.meta.dirname,
    timeout: 60_000,
    encoding: 'utf8',
  });
  expect(out.trim().split('\n').at(-1)).toBe('3');
});
