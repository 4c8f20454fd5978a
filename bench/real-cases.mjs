/**
 * What real.mjs runs: 128 px, preset lite, batches of 16. `goals` are those of the issue, on the means over seeds;
 * `fusedOverBetterBranch` is the mean fused image AUROC minus the mean of the better branch of each seed.
 */
export const CASES = [
  {
    name: 'transistor',
    category: 'transistor',
    teacher: 'squeezenet1_1',
    weights: 'squeezenet1_1.safetensors',
    epochs: 10,
    seeds: [1, 2, 3],
    goals: { imageAuroc: 0.92, pixelAuroc: 0.975, fusedOverBetterBranch: -0.005 },
  },
  {
    name: 'bottle',
    category: 'bottle',
    teacher: 'squeezenet1_1',
    weights: 'squeezenet1_1.safetensors',
    epochs: 6,
    seeds: [1],
    goals: { imageAuroc: 0.985, pixelAuroc: 0.965 },
  },
  {
    name: 'resnet50',
    category: 'transistor',
    teacher: 'resnet50_v1',
    weights: 'resnet50_keras.safetensors',
    epochs: 2,
    seeds: [1],
    goals: {},
  },
];
