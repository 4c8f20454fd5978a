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
])('%s was meant to be %s', (typed, meant) => {
  expect(nearestName(typed, known)).toBe(meant);
});

test.each(['zzz', 'momentum', 'x'])('%s is close to nothing', (typed) => {
  expect(nearestName(typed, known)).toBeUndefined();
});
