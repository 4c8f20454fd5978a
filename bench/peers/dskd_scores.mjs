// Scores images by TensorFlow.js (wasm) or by ONNX Runtime, in a process of its own, as bench/peers/onnx_in_torch.py does it.
//
// node bench/peers/dskd_scores.mjs MODEL THREADS: a `.safetensors` file by TensorFlow.js (wasm), or an `.onnx` file by ONNX Runtime. Then a line of JSON for each line of standard input:
//   {"file": "image.jpg"}  decodes, prepares and scores; {"score": [...], "seconds": [...]}
//   {"bytes": "raw.bin"}   scores a prepared image; {"score": [...], "seconds": [...]}
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

const [model, threads] = process.argv.slice(2);

async function byTensorFlow(bytes) {
  await import('@tensorflow/tfjs');
  const { selectBackend } = await import('@dskd/core/backends');
  const { registerWasmGradients, startWasmThreads } = await import('@dskd/wasm-gradients');
  const { loadDetector } = await import('@dskd/detector');
  await selectBackend('wasm');
  registerWasmGradients();
  if (Number(threads) > 1) await startWasmThreads({ threads: Number(threads) });
  return loadDetector(bytes);
}

async function byOnnxRuntime(bytes) {
  const { loadOnnxDetector } = await import('@dskd/onnx/runtime');
  return loadOnnxDetector(bytes, { session: { intraOpNumThreads: Number(threads), interOpNumThreads: 1 } });
}

const bytes = new Uint8Array(await readFile(model));
const predictor = await (model.endsWith('.onnx') ? byOnnxRuntime(bytes) : byTensorFlow(bytes));
const { decodeImage } = await import('@dskd/data/node');
const [height, width] = predictor.inputSize;
console.log(JSON.stringify({ threads: Number(threads) }));
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const prepared = asked.bytes && {
    data: new Uint8Array(await readFile(asked.bytes)),
    width,
    height,
    channels: 3,
  };
  const started = performance.now();
  const { score } = await predictor.predict(prepared ?? (await decodeImage(asked.file)));
  const seconds = [(performance.now() - started) / 1000];
  console.log(JSON.stringify({ score: [score], seconds }));
}
// Threads of the kernels would keep the process.
process.exit();
