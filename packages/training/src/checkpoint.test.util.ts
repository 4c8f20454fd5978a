import type { ArrayState, StudentState } from './training-state.js';
import type { Checkpoint } from './checkpoint.js';

/** Two small arrays, each value different. */
function arrays(offset: number, length: number): Map<string, ArrayState> {
  const filled = (start: number): Float32Array => Float32Array.from({ length }, (_, i) => start + i);
  return new Map([
    ['a.weight', { shape: [length], data: filled(offset) }],
    ['b.weight', { shape: [1, length], data: filled(offset + 0.5) }],
  ]);
}

function studentState(name: string, index: number, length: number): StudentState {
  return {
    name,
    parameters: arrays(index, length),
    buffers: arrays(index + 10, length),
    optimizer: {
      step: 4 + index,
      firstMoments: arrays(index + 20, length),
      secondMoments: arrays(index + 30, length),
    },
  };
}

/** A checkpoint of students that nothing here builds. */
export function checkpointOf(names: readonly string[], { step = 7, length = 3 } = {}): Checkpoint {
  return {
    run: { inputSize: [32, 32], teacher: 'a'.repeat(64), fit: 'stretch' },
    state: {
      seed: 3,
      batchSize: 4,
      images: 12,
      step,
      history: [{ epoch: 0, losses: Object.fromEntries(names.map((name) => [name, 0.5])) }],
      lossSums: Object.fromEntries(names.map((name) => [name, 0.25])),
      students: names.map((name, index) => studentState(name, index, length)),
    },
  };
}
