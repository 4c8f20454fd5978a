import { nearestName } from './resolve.js';

const known = ['epochs', 'batchSize', 'localLearningRate', 'checkpoint', 'seed'];

test.each([
  ['epoch', 'epochs'],
  ['Epochs', 'epochs'],
  ['batch-size', 'batchSize'],
  ['batch_size', 'batchSize'],
  ['learningRate', 'localLearningRate'],
  ['chekpoint', 'checkpoint'],
  ['sead', 'seed'],
])('for %s suggests %s', (typed, meant) => {
  expect(nearestName(typed, known)).toBe(meant);
});

test.each(['zzz', 'momentum', 'x'])('for %s suggests no name', (typed) => {
  expect(nearestName(typed, known)).toBeUndefined();
});
