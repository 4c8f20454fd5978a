import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import { registerWasmGradients } from './register.js';

test('a clone shares the memory and outlives the original', async () => {
  await tf.setBackend('wasm');
  const undo = registerWasmGradients();
  const before = tf.memory();
  const original = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const copy = original.clone();
  expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers + 1);
  original.dispose();
  const later = tf.fill([2, 2], 9);
  expect([...(await copy.data())]).toEqual([1, 2, 3, 4]);
  tf.dispose([copy, later]);
  expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
  undo();
});

test('a variable takes a new value while a clone keeps the old one', async () => {
  await tf.setBackend('wasm');
  const undo = registerWasmGradients();
  const variable = tf.variable(tf.tensor1d([1, 2]));
  const old = variable.clone();
  variable.assign(tf.tensor1d([5, 6]));
  expect([...(await old.data())]).toEqual([1, 2]);
  expect([...(await variable.data())]).toEqual([5, 6]);
  tf.dispose([old]);
  variable.dispose();
  undo();
});
