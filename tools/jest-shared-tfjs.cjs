// TensorFlow.js is evaluated once for each jest process, outside the realms of the test files, and shared by them.
// Each test file would evaluate it anew otherwise, and compile its functions again.
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const path = require('node:path');

const SHARED = ['tfjs', 'tfjs-core', 'tfjs-backend-cpu', 'tfjs-backend-wasm'];
const KEY = 'dskdSharedModules';
const folder = path.join(__dirname, '..', 'node_modules', '.cache', 'dskd-jest');

const modules = Object.fromEntries(SHARED.map((name) => [name, require(`@tensorflow/${name}`)]));
/** Kernels and gradients by name, as the modules registered them. A test file may register others. */
const registries = ['kernelRegistry', 'gradRegistry'].map((name) => {
  const registry = globalThis._tfGlobals.get(name);
  return { registry, entries: [...registry] };
});

/**
 * Writes a module that hands out the shared one under the same names, or its own where none is shared. jest finds the
 * names by reading the text, like Node: hence the second statement, which never runs.
 */
function writeModule(name) {
  const names = Object.keys(modules[name]).filter((key) => key !== 'default');
  const own = JSON.stringify(require.resolve(`@tensorflow/${name}`));
  const text =
    `module.exports = globalThis.${KEY} ? globalThis.${KEY}['${name}'] : require(${own});\n` +
    `0 && (module.exports = { ${names.join(', ')} });\n`;
  const file = path.join(folder, `${name}.cjs`);
  try {
    if (readFileSync(file, 'utf8') === text) return;
  } catch {
    // Not written yet.
  }
  mkdirSync(folder, { recursive: true });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, file);
}

/** jest's `moduleNameMapper`. */
exports.mapper = () => {
  SHARED.forEach(writeModule);
  return { [`^@tensorflow/(${SHARED.join('|')})$`]: path.join(folder, '$1.cjs') };
};

/** Puts the modules into the global object of a test file, with no tensors, nothing set and nothing registered. */
exports.share = (global) => {
  for (const { registry, entries } of registries) {
    registry.clear();
    for (const [key, value] of entries) registry.set(key, value);
  }
  const { engine, env } = modules['tfjs-core'];
  engine().reset();
  env().reset();
  // What a program has that imports `@tensorflow/tfjs` alone. It is there at once: cpu does not initialize.
  void engine().setBackend('cpu');
  global[KEY] = modules;
};
