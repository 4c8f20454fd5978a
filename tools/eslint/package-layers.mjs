// Who may import whom among our packages (design of the layers: docs/architecture.md).
// test-support is for tests only and may be imported by every test file; so may wasm-gradients, to train on wasm.
const everything = [
  'base',
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
  'report',
  'detector',
];

export const PACKAGE_LAYERS = {
  base: [],
  metrics: ['base'],
  weights: ['base'],
  core: ['base'],
  'wasm-gradients': [],
  losses: ['base', 'core'],
  models: ['base', 'core', 'weights'],
  scoring: ['base', 'core', 'losses', 'metrics'],
  data: ['base', 'core'],
  synthetic: ['base'],
  training: ['base', 'core'],
  report: ['base', 'core', 'metrics', 'scoring'],
  detector: everything.filter((name) => name !== 'detector'),
  'teacher-tiny': [],
  benchmark: everything,
  cli: [...everything, 'benchmark', 'teacher-tiny'],
  'test-support': ['base', 'weights'],
};

/** Packages below test-support: their own tests cannot use it (the build would be circular). */
export const BELOW_TEST_SUPPORT = ['base', 'weights'];

/** What a package's tests may import beside that: up the list, but no user of the package has to install it. */
export const TESTS_ALSO_IMPORT = {
  training: ['models'],
  data: ['synthetic'],
  report: ['data', 'synthetic'],
  'teacher-tiny': ['models', 'weights'],
};
