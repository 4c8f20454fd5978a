// TensorFlow.js is evaluated once for each jest process, outside the realms of the test files, and shared by them.
// Evaluated anew for each of about 150 test files, it takes a third of the time of `npm test`.
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const SHARED = ['tfjs', 'tfjs-core', 'tfjs-backend-cpu', 'tfjs-backend-wasm'];
/** Parts of `@tensorflow/tfjs` that no test uses: half the time of its import. */
const UNUSED = /^@tensorflow\/tfjs-(layers|data|converter|backend-webgl)$/;
const KEY = 'dskdSharedModules';
const folder = path.join(__dirname, '..', 'node_modules', '.cache', 'dskd-jest');

const load = Module._load;
Module._load = (request, ...rest) => (UNUSED.test(request) ? {} : load(request, ...rest));
const modules = Object.fromEntries(SHARED.map((name) => [name, require(`@tensorflow/${name}`)]));

/**
 * Writes a module that hands out the shared one under the same names. jest finds the names by reading the text, like
 * Node: hence the second statement, which never runs.
 */
function writeModule(name) {
  const names = Object.keys(modules[name]).filter((key) => key !== 'default');
  const text =
    `module.exports = globalThis.${KEY}['${name}'];\n` + `0 && (module.exports = { ${names.join(', ')} });\n`;
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

/** Puts the modules into the global object of a test file, with no tensors, no backend and no flags set. */
exports.share = (global) => {
  modules['tfjs-core'].engine().reset();
  modules['tfjs-core'].env().reset();
  global[KEY] = modules;
};
