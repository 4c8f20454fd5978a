// Copies the .wasm files of the TensorFlow.js backend beside the compiled code: in a browser they are found there.
import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const backend = path.dirname(
  createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json'),
);
const target = path.join(import.meta.dirname, 'dist/wasm');
mkdirSync(target, { recursive: true });
for (const variant of ['', '-simd', '-threaded-simd']) {
  const file = `tfjs-backend-wasm${variant}.wasm`;
  copyFileSync(path.join(backend, 'dist', file), path.join(target, file));
}
