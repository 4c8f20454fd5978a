// Sizes that users of a page download: minified, compressed with gzip, without TensorFlow.js, which they bring themselves.
// A number here is today's size and a few percent: raise it in the commit that needs more, with the reason.
const TENSORFLOW = [
  '@tensorflow/tfjs',
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-backend-wasm',
  '@tensorflow/tfjs-backend-webgpu',
];

const entry = (name, path, limit, names) => ({
  name,
  path,
  limit,
  ...(names && { import: `{ ${names} }` }),
  ignore: TENSORFLOW,
  gzip: true,
  modifyEsbuildConfig: (config) => ({ ...config, format: 'esm' }),
});

export default [
  entry('@dskd/losses', 'packages/losses/dist/index.js', '7.5 kB'),
  entry(
    '@dskd/losses, the two losses of the paper',
    'packages/losses/dist/index.js',
    '3.2 kB',
    'perPixelCosineLoss, contextualAffinityLoss',
  ),
  entry('@dskd/metrics', 'packages/metrics/dist/index.js', '11.1 kB'),
  entry('dskd, a page that loads a model', 'packages/dskd/dist/index.js', '325 kB', 'loadDetector'),
];
