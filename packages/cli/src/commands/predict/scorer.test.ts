import { engineFor } from './scorer.js';

const AUTO = { engine: 'auto', workers: 0 } as const;
const MODEL = 'model.safetensors';

test('a few images are scored by TensorFlow.js, very few in one thread, many by what is there', () => {
  expect(engineFor(MODEL, AUTO, 7)).toMatchObject({ engine: 'tfjs', threads: 1 });
  expect(engineFor(MODEL, AUTO, 8)).toMatchObject({ engine: 'tfjs', threads: undefined });
  expect(engineFor(MODEL, AUTO, 16)).toEqual({ engine: 'auto', threads: undefined });
  expect(engineFor(MODEL, AUTO, Infinity)).toEqual({ engine: 'auto', threads: undefined });
});

test('what the user asks for is kept', () => {
  expect(engineFor(MODEL, { ...AUTO, threads: 2 }, 1)).toMatchObject({ engine: 'tfjs', threads: 2 });
  expect(engineFor(MODEL, { ...AUTO, workers: 2 }, 1)).toEqual({ engine: 'auto', threads: undefined });
  expect(engineFor(MODEL, { ...AUTO, engine: 'tfjs' }, 1)).toEqual({ engine: 'tfjs', threads: 1 });
  expect(engineFor(MODEL, { ...AUTO, engine: 'tfjs' }, 8)).toEqual({ engine: 'tfjs', threads: undefined });
  expect(engineFor(MODEL, { ...AUTO, engine: 'onnx' }, 1)).toEqual({ engine: 'onnx', threads: undefined });
  expect(engineFor('model.onnx', AUTO, 1)).toEqual({ engine: 'auto', threads: undefined });
});
