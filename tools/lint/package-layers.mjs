// Which of our packages each package may import (docs/architecture.md explains the layers).
// test-support is for tests only and may be imported by every test file; so may wasm-gradients, to train on wasm.
const belowDetector = [
  'base',
  'closed-form',
  'metrics',
  'weights',
  'core',
  'wasm-gradients',
  'losses',
  'models',
  'scoring',
  'data',
  'synthetic',
  'training',
  'methods',
  'report',
];
const everything = [...belowDetector, 'detector', 'distillation', 'onnx', 'engine'];

export const PACKAGE_LAYERS = {
  base: [],
  metrics: ['base'],
  weights: ['base'],
  core: ['base'],
  'wasm-gradients': ['base'],
  losses: ['base', 'core'],
  models: ['base', 'core', 'weights'],
  scoring: ['base', 'core', 'losses', 'metrics'],
  data: ['base', 'core'],
  synthetic: ['base'],
  training: ['base', 'core', 'weights'],
  'closed-form': ['base'],
  methods: [
    'base',
    'closed-form',
    'core',
    'losses',
    'metrics',
    'models',
    'scoring',
    'training',
    'wasm-gradients',
    'weights',
  ],
  report: ['base', 'core', 'metrics', 'scoring'],
  detector: belowDetector,
  onnx: ['base', 'data', 'detector', 'methods', 'models'],
  engine: ['base', 'core', 'data', 'detector', 'models', 'onnx', 'training', 'wasm-gradients'],
  live: ['base', 'data', 'detector', 'engine'],
  server: ['base', 'core', 'data', 'detector', 'engine', 'models', 'report', 'training', 'wasm-gradients'],
  distillation: ['base', 'core', 'data', 'models', 'synthetic', 'training', 'weights'],
  'teacher-tiny': ['base'],
  benchmark: everything,
  queue: ['base', 'benchmark', 'data', 'detector', 'engine'],
  cli: [...everything, 'benchmark', 'live', 'queue', 'server', 'teacher-tiny'],
  dskd: [...everything, 'cli', 'teacher-tiny'],
  'test-support': ['base', 'weights'],
};

/** Packages below test-support: their own tests cannot use it (the build would be circular). */
export const BELOW_TEST_SUPPORT = ['base', 'weights'];

/** What the tests of a package may import in addition; users of the package do not have to install it. */
export const TESTS_ALSO_IMPORT = {
  training: ['models'],
  data: ['synthetic'],
  onnx: ['metrics', 'teacher-tiny'],
  engine: ['methods', 'teacher-tiny'],
  live: ['models', 'teacher-tiny'],
  server: ['teacher-tiny'],
  queue: ['models', 'teacher-tiny'],
  report: ['data', 'synthetic'],
  'teacher-tiny': ['models', 'weights'],
};
