// Changes to jest's node environment:
// - The context is a plain one (no interceptors on its global object). jest gives the global object a proxy; every
//   use of `Math` or `Float32Array` in compiled tests then calls into it, which makes numeric code several times slower.
// - Typed arrays made outside jest's realm (wasm heaps, codecs, worker messages) must satisfy `instanceof` inside it,
//   so tests see the outer constructors (jest#7780).
// - TensorFlow.js is shared by the test files (jest-shared-tfjs.cjs), except on WebGPU, whose backend the test files register,
//   and where a file begins with `@jest-environment-options { "ownTfjs": true }`.
// - On WebGPU, Dawn asks by setImmediate whether the device has finished: a loop without a pause, which takes half of the
//   processor time from the software device that it waits for. It asks once in a millisecond here.
const vm = require('node:vm');
const { TestEnvironment } = require('jest-environment-node');

const SHARED = [
  'ArrayBuffer',
  'SharedArrayBuffer',
  'Uint8Array',
  'Uint8ClampedArray',
  'Uint16Array',
  'Uint32Array',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
];

if (process.env.DSKD_TEST_TIER === 'webgpu') {
  globalThis.setImmediate = (callback, ...args) => setTimeout(callback, 1, ...args);
}

module.exports = class DskdEnvironment extends TestEnvironment {
  constructor(config, context) {
    const { createContext } = vm;
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    super(config, context);
    vm.createContext = createContext;
    for (const name of SHARED) this.global[name] = globalThis[name];
    const { ownTfjs = process.env.DSKD_TEST_TIER === 'webgpu' } = config.projectConfig.testEnvironmentOptions;
    if (!ownTfjs) require('./jest-shared-tfjs.cjs').share(this.global);
  }
};
